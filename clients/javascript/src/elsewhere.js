/**
 * Where servers lead to. A server may name any address as its service, or as the place to listen at; whoever listens would
 * ask there in their own name. So what is named is looked at first: nothing is written where documents are kept, and who
 * asks is told to nobody but the services themselves.
 */
import { Absent } from './failure.js';
import { ask } from './http.js';
import { targets } from './links.js';

const LDP = 'http://www.w3.org/ns/ldp#';

/** An address that a server has named, absolute; throws `Absent` if it is none that may be followed from `from`. */
export function leads(named, from) {
  const base = new URL(from);
  const url = typeof named === 'string' && named && URL.canParse(named, base) ? new URL(named, base) : undefined;
  if (!url || !/^(https?|wss?):$/.test(url.protocol) || url.username || url.password) {
    throw new Absent(`${base.host} names an address that is none`);
  }
  if (/^(https|wss):$/.test(base.protocol) && !/^(https|wss):$/.test(url.protocol)) {
    throw new Absent(`${base.host} names an address that is not safe on the way`);
  }
  if (isHere(url) && !isHere(base)) throw new Absent(`${base.host} names an address on this machine`);
  return url.href;
}

/** Services that no server has named, but somebody who may write a document there. */
export const doubtful = new WeakSet();

/** Throws `Absent` if a service that is elsewhere than what it was found by, or `isDoubtful`, is a document or a folder. */
export async function isService(url, from, { fetch, signal, isDoubtful }) {
  if (!isDoubtful && new URL(url).origin === new URL(from).origin) return;
  const { status, headers } = await ask(fetch, url, { method: 'HEAD' }, signal);
  const link = headers.get('link');
  const isKept = headers.has('wac-allow') || targets(link, 'acl', url).length > 0 || targets(link, 'type', url).some((type) => type.startsWith(LDP));
  // Where one may only add, nothing may be seen either.
  if (isKept || status === 401 || status === 403) throw new Absent(`${new URL(from).host} names a service that is none`, status);
}

/** `fetch` for the place to listen at: as whoever listens at the service's own server alone. */
export const fetchAt = (url, service, fetch) =>
  new URL(url).origin === new URL(service).origin ? fetch : (input, init) => globalThis.fetch(input, { ...init, credentials: 'omit' });

const isHere = ({ hostname }) => /^(localhost|.+\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[0-9a-f:]+\])\.?$/.test(hostname);
