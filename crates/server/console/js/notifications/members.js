// The members of a container, out of its JSON-LD: the forms that Solid servers send, expanded or with the usual prefix.
// It is no JSON-LD processor; a context of a server's own that renames `contains` is not followed.

const CONTAINS = ['http://www.w3.org/ns/ldp#contains', 'ldp:contains', 'contains'];

/** Addresses directly below `base`, each once. What is not below a container is not its member. */
export function members(document, base) {
  const found = new Set();
  for (const node of nodes(document)) {
    const id = node['@id'] ?? node.id;
    if (id !== undefined && new URL(id, base).href !== base) continue;
    for (const key of CONTAINS) {
      for (const member of [node[key] ?? []].flat()) {
        const name = typeof member === 'string' ? member : (member?.['@id'] ?? member?.id);
        if (typeof name !== 'string' || !URL.canParse(name, base)) continue;
        const { href } = new URL(name, base);
        if (href.startsWith(base) && href !== base) found.add(href);
      }
    }
  }
  return [...found];
}

function nodes(document) {
  if (Array.isArray(document)) return document.flatMap(nodes);
  if (document === null || typeof document !== 'object') return [];
  return [document, ...nodes(document['@graph'] ?? [])];
}
