// How channels that push are asked for and looked after, by whoever is logged in.
import { Parser, Store } from 'n3';
import { request } from '../clients.js';

export const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
export const N1 = 'https://www.w3.org/ns/solid/notification/v1';
export const N2 = 'https://www.w3.org/ns/solid/notifications-context/v1';
export const TERMS = 'urn:podbell:terms#';

/** A channel of that type: the answer, its status and its `Location`. */
export async function subscribe(session, server, type, wish) {
  const asked = JSON.stringify({ '@context': [N1], type, ...wish });
  const answer = await request(session, 'POST', service(server, type), asked, { 'Content-Type': 'application/ld+json' });
  return { status: answer.status, location: answer.headers.get('location'), ...JSON.parse(answer.body_text) };
}

export const service = (server, type) => `${server.base}.notifications/${type}/`;
export const senderOf = (server) => `${server.base}.notifications/sender`;

/** JSON there and back. */
export async function ask(session, method, url, body) {
  const headers = body && { 'Content-Type': 'application/json' };
  return JSON.parse((await request(session, method, url, body && JSON.stringify(body), headers)).body_text);
}

/** What a document says, as its statements. */
export async function graph(session, url) {
  const answer = await request(session, 'GET', url, undefined, { Accept: 'text/turtle' });
  return new Store(new Parser({ baseIRI: url }).parse(answer.body_text));
}
