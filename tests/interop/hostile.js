// A server that means ill: what it answers is said by whoever tests, everything that is asked is kept.
import { once } from 'node:events';
import http from 'node:http';

/** `answer(request, response)` gives `{ status, type, headers, body }`, or nothing if it has answered by itself. */
export async function hostile(answer) {
  const asked = [];
  const made = http.createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const { method, url, headers } = request;
    const body = Buffer.concat(pieces).toString();
    if (method !== 'OPTIONS') asked.push({ method, url, body, authorization: headers.authorization });
    const cors = {
      'Access-Control-Allow-Origin': headers.origin ?? '*',
      'Access-Control-Allow-Headers': 'authorization, dpop, content-type, accept, last-event-id, cache-control',
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, DELETE',
      'Access-Control-Expose-Headers': 'Link, WAC-Allow, Updates-Via',
      'Access-Control-Allow-Private-Network': 'true',
    };
    for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
    const said = method === 'OPTIONS' ? {} : await answer({ method, url, body }, response);
    if (!said) return;
    const { status = 200, type, headers: more = {}, body: text } = said;
    response.writeHead(status, { ...(type && { 'Content-Type': type }), ...more });
    response.end(method === 'HEAD' || text === undefined ? undefined : typeof text === 'string' ? text : JSON.stringify(text));
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return {
    origin: `http://127.0.0.1:${made.address().port}`,
    asked,
    async close() {
      made.close();
      made.closeAllConnections();
      await once(made, 'close').catch(() => {});
    },
  };
}

export const JSON_LD = 'application/ld+json';

/** The answers of one that names `service` as the place to subscribe at, and answers there with `channel`. */
export const naming = (service, { type = 'EventSourceChannel2023', channel, ...others } = {}) => ({ method, url }, response) => {
  const own = others[`${method} ${url}`];
  if (own) return typeof own === 'function' ? own(response) : own;
  if (url === '/') return { headers: { Link: '</description>; rel="http://www.w3.org/ns/solid/terms#storageDescription"' } };
  if (url === '/description') return { type: JSON_LD, body: { id: '/', subscription: [{ id: service, channelType: type, feature: ['urn:podbell:terms#recursive'] }] } };
  if (method === 'POST' && url === '/subscribe') return { type: JSON_LD, body: channel };
  return { status: 404 };
};
