/**
 * Discovery: from a resource to the ways in which a server lets one listen to it.
 *
 * The links of the resource lead to the description of its storage, or to its own; where there is none (some servers leave
 * them out of 401 and 404), those of the containers above it; at last `/.well-known/solid` of the host. Descriptions are
 * asked for as JSON-LD.
 *
 * Spec: <https://solidproject.org/TR/notifications-protocol#discovery>
 */
import { services } from './description.js';
import { doubtful } from './elsewhere.js';
import { ask } from './http.js';
import { targets } from './links.js';
import { topicsOf } from './options.js';
import { SOLID } from './terms.js';

/** So many containers are asked at most. */
const HEIGHT = 8;

/**
 * As `index.d.ts` says.
 *
 * @param {string} topic
 * @param {{ fetch?: typeof globalThis.fetch, signal?: AbortSignal }} [options]
 */
export async function discover(topic, options = {}) {
  return { services: (await look(topicsOf(topic)[0], options.fetch ?? globalThis.fetch, options.signal)).services };
}

/**
 * What is offered, with what the resource itself has answered: its `status`, the `cursor` to come back to just behind that
 * answer (Podbell), and the `description` that was read.
 */
export async function look(topic, fetch, signal) {
  const head = await headOf(topic, fetch, signal);
  const cursor = head.headers.get('podbell-cursor') ?? undefined;
  const via = head.headers.get('updates-via');
  let found = [];
  let description;
  const { places, own } = await descriptions(topic, head, fetch, signal);
  for (const url of places) {
    found = await read(url, fetch, signal);
    // Whoever writes a document may write this too; the others are the server's.
    if (own.includes(url)) for (const service of found) doubtful.add(service);
    description = url;
    if (found.length) break;
  }
  const socket = via && socketAddress(via, topic);
  if (socket) found.push({ transport: 'solid-0.1', url: socket, features: [] });
  return { services: found, status: head.status, cursor, description };
}

/** The head of an answer about a resource, whatever its status. */
export async function headOf(url, fetch, signal) {
  const head = await ask(fetch, url, { method: 'HEAD' }, signal);
  return head.status === 405 || head.status === 501 ? ask(fetch, url, { method: 'GET' }, signal) : head;
}

/** Where the ways to listen may be described, the likeliest first, and which of these places are the resource's `own`. */
async function descriptions(topic, head, fetch, signal) {
  const own = targets(head.headers.get('link'), 'describedby', head.url || topic);
  const wellKnown = new URL('/.well-known/solid', topic).href;
  let answer = head;
  let url = topic;
  for (let height = 0; ; height += 1) {
    const storage = targets(answer.headers.get('link'), `${SOLID}storageDescription`, answer.url || url);
    const of = (...places) => ({ places: [...new Set(places)], own: own.filter((url) => url !== wellKnown && !storage.includes(url)) });
    if (storage.length) return of(...storage, ...own, wellKnown);
    const above = new URL(url.split(/[?#]/)[0].endsWith('/') ? '..' : '.', url).href;
    if (height === HEIGHT || above === url) return of(...own, wellKnown);
    url = above;
    answer = await headOf(url, fetch, signal);
  }
}

/** The services of a description; none if it cannot be read as one. */
async function read(url, fetch, signal) {
  const answer = await ask(fetch, url, { headers: { Accept: 'application/ld+json' } }, signal);
  if (!answer.ok || !/\bjson\b/i.test(answer.headers.get('content-type') ?? '')) return [];
  try {
    return services(JSON.parse(answer.read), answer.url || url);
  } catch {
    return [];
  }
}

/** `Updates-Via` as the address of a socket, if it is one. */
function socketAddress(via, topic) {
  return URL.canParse(via, topic) ? new URL(via, topic).href.replace(/^http/, 'ws') : undefined;
}
