/**
 * `Link` headers, as far as discovery needs them: targets by relation.
 *
 * Spec: <https://www.rfc-editor.org/rfc/rfc8288#section-3>
 */

/** What is behind so many characters of a header is no longer read. */
const LONGEST = 8192;

/**
 * The targets of a relation, absolute, in their order.
 *
 * @param {string | null} header the value of `Link`
 * @param {string} relation compared without regard to case
 * @param {string} base
 * @returns {string[]}
 */
export function targets(header, relation, base) {
  const found = [];
  // A parameter's value may be quoted, and then hold commas and semicolons.
  const link = /<([^>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g;
  const parameter = /;\s*([^\s=;,"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/g;
  for (const [, target, parameters] of (header ?? '').slice(0, LONGEST).matchAll(link)) {
    // The first `rel` holds.
    const rel = [...parameters.matchAll(parameter)].find(([, name]) => name.toLowerCase() === 'rel');
    const relations = (rel?.[2] ?? rel?.[3] ?? '').toLowerCase().split(/\s+/);
    if (!relations.includes(relation.toLowerCase())) continue;
    try {
      found.push(new URL(target, base).href);
    } catch {
      // No address.
    }
  }
  return found;
}
