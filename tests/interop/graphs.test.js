// `jsonld.js` reads our JSON-LD as the graph that our Turtle is. The contexts are the ones that the server has built in;
// nothing is fetched.
import jsonld from 'jsonld';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Parser, Writer } from 'n3';
import { hears, login, logout, put, request, socket, stream, WEBSOCKET_2023 } from './clients.js';
import { start } from './server.js';

const N1 = 'https://www.w3.org/ns/solid/notification/v1';
const N2 = 'https://www.w3.org/ns/solid/notifications-context/v1';
const BUILT_IN = {
  [N1]: 'notifications',
  [N2]: 'notifications',
  'https://www.w3.org/ns/activitystreams': 'activitystreams',
};

async function documentLoader(url) {
  const file = new URL(`../../crates/model/src/contexts/${BUILT_IN[url]}.jsonld`, import.meta.url);
  return { documentUrl: url, document: JSON.parse(await readFile(file, 'utf8')) };
}

/** Statements, sorted; blank nodes have names that compare. */
const fromJson = (document) => jsonld.canonize(document, { documentLoader, safe: true });
const fromTurtle = (text, baseIRI) => {
  const quads = new Writer({ format: 'N-Quads' }).quadsToString(new Parser({ baseIRI }).parse(text));
  return jsonld.canonize(quads, { inputFormat: 'application/n-quads' });
};

let server, alice;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
});
after(async () => {
  await logout(alice);
  await server?.stop();
});

/** What is at a URL is one graph, in both forms; gives its statements. */
async function isOneGraph(url) {
  const ask = async (accept) => (await request(alice, 'GET', url, undefined, { Accept: accept })).body_text;
  const [json, expanded, turtle] = await Promise.all(
    ['application/ld+json', 'application/ld+json; profile="http://www.w3.org/ns/json-ld#expanded"', 'text/turtle'].map(ask),
  );
  const statements = await fromTurtle(turtle, url);
  assert.equal(await fromJson(JSON.parse(json)), statements, url);
  assert.equal(await fromJson(JSON.parse(expanded)), statements, url);
  return statements.trim().split('\n');
}

test('CA-5 the description of a storage, that of the origin, and those of the services', async () => {
  for (const url of [`${server.users.alice.root}.well-known/solid`, `${server.base}.well-known/solid`]) {
    const statements = await isOneGraph(url);
    assert.equal(statements.filter((statement) => statement.includes('notifications#subscription>')).length, 6);
  }
  for (const type of ['WebSocket', 'EventSource', 'StreamingHTTP', 'Webhook', 'LDN', 'WebPush']) {
    const statements = await isOneGraph(`${server.base}.notifications/${type}Channel2023/`);
    assert.equal(statements.filter((statement) => statement.includes('notifications#channelType>')).length, 1);
  }
});

for (const [name, context, type] of [
  ['the older context and a full type', [N1], WEBSOCKET_2023],
  ['the newer context and a term', N2, 'WebSocketChannel2023'],
  ['a context of its own', { notify: 'http://www.w3.org/ns/solid/notifications#' }, 'notify:WebSocketChannel2023'],
]) {
  test(`CA-1 a channel that was asked for with ${name}`, async () => {
    const topic = `${server.users.alice.root}graphs`;
    const inline = !Array.isArray(context) && typeof context === 'object';
    const asked = inline
      ? { '@context': context, '@type': type, 'notify:topic': { '@id': topic }, 'notify:rate': 'PT1S' }
      : { '@context': context, type, topic, rate: 'PT1S' };
    const service = `${server.base}.notifications/WebSocketChannel2023/`;
    const answer = await request(alice, 'POST', service, JSON.stringify(asked), { 'Content-Type': 'application/ld+json' });
    const statements = (await fromJson(JSON.parse(answer.body_text))).trim().split('\n');
    // A key that means nothing would be no statement: id and context are none, all others are one each.
    assert.equal(statements.length, Object.keys(JSON.parse(answer.body_text)).length - 2, answer.body_text);
    await isOneGraph(JSON.parse(answer.body_text).id);
  });
}

test('a notification', async () => {
  const topic = `${server.users.alice.root}graphs-told`;
  await put(alice, topic);
  const body = JSON.stringify({ '@context': [N2], type: 'WebSocketChannel2023', topic });
  const answer = await request(alice, 'POST', `${server.base}.notifications/WebSocketChannel2023/`, body, { 'Content-Type': 'application/ld+json' });
  const frames = await socket(JSON.parse(answer.body_text).receiveFrom);
  const pieces = await stream(alice, `${server.base}.notifications/StreamingHTTPChannel2023/${encodeURIComponent(topic)}`);
  await hears(pieces, 1);
  await put(alice, topic);
  await hears(frames, 1);
  await hears(pieces, 2);
  // The same event, told twice.
  assert.equal(await fromJson(frames.heard[0]), await fromTurtle(pieces.heard[1]));
  frames.close();
  pieces.close();
});
