// Somebody whom a storage calls: listens, and takes only what the storage has signed, by LW27 and R-LWS-22, step by step.
// The signature is RFC 9421's, verified by `http-message-signatures`; the digest is RFC 9530's.
import { createHash, createPublicKey, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { createVerifier, httpbis } from 'http-message-signatures';
import { until } from '../server.js';
import { readEnvelope, short } from './envelope.js';
import { demand, isUrl, MEDIA_TYPE, several } from './terms.js';

export const COVERED = ['@method', '@scheme', '@authority', '@path', 'content-type', 'content-digest'];
const LATEST = 300;
const LARGEST = 1024 * 1024;

/** The digest is that of the bytes which have arrived. */
export function checkDigest({ headers, body }) {
  const told = /(?:^|,)\s*sha-256=:([^:]*):/.exec(headers['content-digest'] ?? '')?.[1];
  demand(told, 'there is a digest');
  const [given, own] = [Buffer.from(told, 'base64'), createHash('sha256').update(body).digest()];
  demand(given.length === own.length && timingSafeEqual(given, own), 'the body is the one that was signed');
}

/** The key that `keyid` names, and the storage whose it is. */
export async function keyOf(keyid, read = readDocument) {
  demand(isUrl(keyid) && keyid.includes('#'), 'keyid is a URL with a fragment', keyid);
  const [storage, fragment] = keyid.split('#');
  const document = await read(storage);
  demand(document.id === storage, 'the document at the identifier has that identifier', document.id);
  const isIt = (name) => [keyid, fragment, `#${fragment}`].includes(name);
  const method = several(document.verificationMethod).find(({ id }) => isIt(id));
  demand(method, 'the storage has such a key', keyid);
  demand(several(document.authentication).some((one) => isIt(one.id ?? one)), 'the key is for authentication', keyid);
  demand(method.publicKeyJwk && !('d' in method.publicKeyJwk), 'it is a public key');
  return { storage, key: createPublicKey({ key: method.publicKeyJwk, format: 'jwk' }) };
}

async function readDocument(url) {
  const answer = await fetch(url, { headers: { accept: MEDIA_TYPE }, redirect: 'error' });
  demand(answer.status === 200, `the storage ${url} describes itself`, answer.status);
  return answer.json();
}

/** Who has signed this: the storage. Throws if nobody has, or not all of it. */
export async function signer({ method, url, headers }) {
  let storage;
  const keyLookup = async ({ keyid }) => {
    const found = await keyOf(keyid);
    ({ storage } = found);
    return { id: keyid, algs: ['ecdsa-p256-sha256'], verify: createVerifier(found.key, 'ecdsa-p256-sha256') };
  };
  const requiredFields = new URL(url).search ? [...COVERED, '@query'] : COVERED;
  const limits = { requiredFields, requiredParams: ['created', 'keyid'], maxAge: LATEST, tolerance: 30 };
  const verified = await httpbis.verifyMessage({ keyLookup, ...limits }, { method, url, headers });
  demand(verified === true, 'the signature is good');
  return storage;
}

/** What a request tells whoever has subscribed to `storages`: its activities. Throws at anything that is wrong. */
export async function verify(request, storages) {
  demand(request.method === 'POST', 'a delivery is a POST', request.method);
  const type = request.headers['content-type'];
  demand(type === MEDIA_TYPE, `a delivery is ${MEDIA_TYPE}`, type);
  checkDigest(request);
  const storage = await signer(request);
  demand([storages].flat().includes(storage), 'it is signed by a storage that was subscribed to', storage);
  return readEnvelope(request.body.toString(), { storage });
}

/**
 * Listens. `answer` gives the status for each request, or `[status, headers]`; 2xx is a promise that it was taken.
 * `storages` are those subscribed to: add to it. `tls`, a key and a certificate, makes it https.
 */
export async function receive(answer = () => 204, tls = undefined) {
  const client = { storages: [], requests: [], activities: [], errors: [], known: new Set() };
  const accept = async (request) => {
    const activities = await verify(request, client.storages);
    const fresh = activities.filter(({ id }) => !client.known.has(id));
    fresh.forEach(({ id }) => client.known.add(id));
    client.activities.push(...fresh);
  };
  const scheme = tls ? 'https' : 'http';
  const handle = async (incoming, response) => {
    const [parts, at] = [[], Date.now()];
    let size = 0;
    for await (const part of incoming) {
      size += part.length;
      if (size > LARGEST) return response.writeHead(413).end();
      parts.push(part);
    }
    const url = `${scheme}://${incoming.headers.host}${incoming.url}`;
    const request = { method: incoming.method, url, headers: incoming.headers, body: Buffer.concat(parts), at };
    const [status, headers] = [await answer(request, client)].flat();
    if (status >= 200 && status < 300) await accept(request).catch((error) => client.errors.push(error));
    client.requests.push(request);
    response.writeHead(status, headers).end();
  };
  const failed = (response) => (error) => {
    client.errors.push(error);
    response.destroy();
  };
  const listener = (request, response) => void handle(request, response).catch(failed(response));
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  return Object.assign(client, {
    url: (path = '/') => `${scheme}://localhost:${server.address().port}${path}`,
    /** What was told, short, once it is so much. */
    async tells(count) {
      const told = () => client.activities.length >= count || client.errors.length;
      await until(told, `${count} activities; told ${JSON.stringify(client.activities.map(short))}`, 30);
      if (client.errors.length) throw client.errors[0];
      return client.activities.map(short);
    },
    /** The requests, once there are so many. */
    async arrive(count) {
      await until(() => client.requests.length >= count, `${count} requests; there are ${client.requests.length}`, 30);
      return client.requests;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  });
}
