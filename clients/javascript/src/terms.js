/**
 * The names that matter here, and a small reader of JSON-LD for them.
 *
 * It is no JSON-LD processor: no context is fetched. A property is found under its plain term, its IRI, or with a prefix:
 * one that the document's own `@context` maps to the namespace, or the customary `notify`, `as` and `solid`. That covers
 * expanded documents and those compacted with the contexts of the specifications; a context that gives the names other
 * meanings is not understood.
 */

export const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
export const PODBELL = 'urn:podbell:terms#';
export const AS = 'https://www.w3.org/ns/activitystreams#';
export const SOLID = 'http://www.w3.org/ns/solid/terms#';
const CUSTOMARY = { notify: NOTIFY, as: AS, solid: SOLID };

/** An IRI without its namespace if it is one of these; everything else as it is. */
export function short(name, ...namespaces) {
  const namespace = namespaces.find((namespace) => name.startsWith(namespace));
  return namespace ? name.slice(namespace.length) : name;
}

/** The prefixes that a document declares itself, and the customary ones. */
export function prefixes(context) {
  const own = [context].flat().filter((part) => part && typeof part === 'object');
  const declared = own.flatMap(Object.entries).map(([name, value]) => [name, value?.['@id'] ?? value]);
  return { ...CUSTOMARY, ...Object.fromEntries(declared.filter(([, iri]) => typeof iri === 'string' && /[#/:]$/.test(iri))) };
}

/** `prefix:name` as an IRI. */
export function expand(name, known = CUSTOMARY) {
  const [, prefix, rest] = /^([^:/#]+):(?!\/\/)(.+)$/.exec(name) ?? [];
  return Object.hasOwn(known, prefix ?? '') ? known[prefix] + rest : name;
}

/** All values of a property. */
export function values(node, term, namespace, known = CUSTOMARY) {
  const found = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === term || expand(key, known) === namespace + term) found.push(...[value].flat(Infinity));
  }
  return found.filter((value) => value !== null && value !== undefined);
}

/** What a value says: an IRI, or a literal as text. */
export function text(value) {
  const said = typeof value === 'object' ? (value.id ?? value['@id'] ?? value['@value'] ?? value.value) : value;
  return typeof said === 'string' ? said : typeof said === 'number' || typeof said === 'boolean' ? String(said) : undefined;
}

/** The first value of a property that says anything. */
export function first(node, term, namespace, known) {
  return values(node, term, namespace, known)
    .map(text)
    .find((said) => said !== undefined && said !== '');
}

/** The types of a node. */
export const types = (node) => [node.type ?? [], node['@type'] ?? []].flat().filter((type) => typeof type === 'string');
