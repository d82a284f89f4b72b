// Names of people, from their profiles. Profiles on this server are read by themselves; one elsewhere only when the owner
// asks for it, since that server then learns that somebody looked. Always as nobody: a profile is public, or has no name.
import { config } from '../config.js';
import { textOf } from '../bounded.js';
import { plain } from './words.js';

const NAMES = ['http://xmlns.com/foaf/0.1/name', 'http://www.w3.org/2006/vcard/ns#fn', 'http://schema.org/name', 'https://schema.org/name'];
const LONGEST = 60;
/** Profiles that are read at once. */
const AT_ONCE = 4;

const known = new Map();
const pods = new URL(config.pods);

/** Whether a WebID is one of this server's. */
export function isHere(webid) {
  try {
    const { protocol, host } = new URL(webid);
    return protocol === pods.protocol && (host === pods.host || host.endsWith(`.${pods.host}`));
  } catch {
    return false;
  }
}

/** Somebody's name, if it is known already. */
export const nameOf = (webid) => known.get(webid)?.name;

/** Reads the profile, once; their name, if it says one. */
export function lookUp(webid) {
  if (!known.has(webid)) {
    const entry = { name: undefined };
    entry.read = inTurn(() => read(webid)).then(
      (name) => (entry.name = name),
      () => undefined,
    );
    known.set(webid, entry);
  }
  return known.get(webid).read;
}

const lanes = Array.from({ length: AT_ONCE }, () => Promise.resolve());
let turn = 0;

/** Does something after what waits in the next lane. */
function inTurn(task) {
  const lane = (turn += 1) % AT_ONCE;
  const done = lanes[lane].then(task);
  lanes[lane] = done.catch(() => {});
  return done;
}

async function read(webid) {
  const answer = await fetch(webid.replace(/#.*$/, ''), {
    headers: { accept: 'application/ld+json' },
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    redirect: isHere(webid) ? 'error' : 'follow',
    signal: AbortSignal.timeout(10_000),
  });
  return answer.ok ? nameIn(JSON.parse(await textOf(answer)), webid) : undefined;
}

/** The name that a document in JSON-LD gives somebody: expanded, or compacted by prefixes. Contexts elsewhere are not read. */
export function nameIn(document, webid) {
  const context = Object.assign(Object.create(null), ...[document['@context'] ?? []].flat().filter((one) => one && typeof one === 'object'));
  const iri = (term, depth = 0) => {
    const told = context[term]?.['@id'] ?? context[term];
    if (typeof told === 'string' && told !== term && depth < 5) return iri(told, depth + 1);
    const [, prefix, rest] = /^([^:]*):(?!\/\/)(.*)$/.exec(term) ?? [];
    const base = prefix && (context[prefix]?.['@id'] ?? context[prefix]);
    return typeof base === 'string' ? `${base}${rest}` : term;
  };
  const nodes = [document['@graph'] ?? document].flat().filter((node) => node && typeof node === 'object');
  const isTheirs = (node) => {
    const id = node['@id'] ?? node.id;
    return typeof id === 'string' && new URL(iri(id), webid).href === new URL(webid).href;
  };
  for (const node of nodes.filter(isTheirs)) {
    const said = Object.entries(node).filter(([key]) => !key.startsWith('@'));
    for (const name of NAMES) {
      const values = said.filter(([key]) => iri(key) === name).flatMap(([, value]) => value);
      const found = values.map((value) => value?.['@value'] ?? value).find((value) => typeof value === 'string' && value.trim());
      if (found) return plain(found.trim()).slice(0, LONGEST);
    }
  }
  return undefined;
}
