// Where things are, as servers say it in `Link`. https://solidproject.org/TR/protocol#storage-resource
import { config } from '../config.js';

const STORAGE = 'http://www.w3.org/ns/pim/space#storage';
const TYPE = 'http://www.w3.org/ns/pim/space#Storage';

/** Whether an address is on the server that this console belongs to: where its pods are, or a pod's own name below. */
function isOurs(url) {
  if (!URL.canParse(url)) return false;
  const [asked, pods] = [new URL(url), new URL(config.pods)];
  const isBelow = asked.host === pods.host || asked.host.endsWith(`.${pods.host}`);
  return asked.protocol === pods.protocol && isBelow;
}

/** Targets of the links with a relation. */
export function links(headers, rel, base) {
  const found = [...(headers.get('link') ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)/g)];
  const isWanted = (parameters) => /;\s*rel\s*=\s*"?([^";]*)"?/i.exec(parameters)?.[1].split(/\s+/).includes(rel);
  return found.filter(([, , parameters]) => isWanted(parameters)).map(([, target]) => new URL(target, base).href);
}

/** The storage of whoever is signed in, if it is on our server: nobody else's server is asked unless a person says so. */
export async function ownStorage(session) {
  if (!isOurs(session.webid)) return undefined;
  let at = new URL(session.webid);
  at.hash = '';
  for (;;) {
    const { headers } = await session.fetch(at.href, { method: 'HEAD' });
    if (links(headers, 'type', at).includes(TYPE)) return at.href;
    const [named] = links(headers, STORAGE, at);
    if (named) return named;
    if (at.pathname === '/') return undefined;
    at = container(at.href, true);
  }
}

/** The container of a resource; of a container itself, unless `above` is asked for. */
export function container(url, above = false) {
  return new URL(above && url.endsWith('/') ? '../' : './', url);
}
