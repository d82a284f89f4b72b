// Programs that are no packages: each asks with the requests that it sends, and reads answers as it reads them.
import { getOneMatchingQuad, parseTurtle } from '@janeirodigital/interop-utils';
import { DiscoveryClient } from '@solid-notifications/discovery';
import LinkHeader from 'http-link-header';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DataFactory, Parser, Store } from 'n3';
import { hears, login, logout, put, remove, request, short, socket, stream, WEBSOCKET_2023 } from './clients.js';
import { start, until } from './server.js';

const N1 = 'https://www.w3.org/ns/solid/notification/v1';
const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
const SOLID = 'http://www.w3.org/ns/solid/terms#';
const AS = 'https://www.w3.org/ns/activitystreams#';
const RDF_TYPE = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type';
const { namedNode } = DataFactory;

let server, alice;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
});
after(async () => {
  await logout(alice);
  await server?.stop();
});

/** A new document that only Alice may read. */
async function secret(name) {
  const topic = `${server.users.alice.root}programs/${name}`;
  await put(alice, topic);
  return topic;
}

const path = (topic) => new URL(topic).pathname;

describe('SAI', () => {
  /** What a piece says, parsed alone. */
  async function parsed(piece) {
    const dataset = await parseTurtle(piece, 'https://elsewhere.example/');
    const activity = getOneMatchingQuad(dataset, null, namedNode(RDF_TYPE));
    return [activity.object.value.replace(AS, ''), getOneMatchingQuad(dataset, activity.subject, namedNode(`${AS}object`)).object.value];
  }

  test('CA-13 throws the first piece of the linked stream away, and parses each later one alone', async () => {
    const topic = await secret('sai');
    const { headers } = await alice.fetch(topic, { method: 'HEAD' });
    const link = LinkHeader.parse(headers.get('link')).refs.find(({ rel }) => rel === `${SOLID}updatesViaStreamingHttp2023`);
    const client = await stream(alice, link.uri);
    assert.equal(client.response.ok, true);
    await hears(client, 1);
    await put(alice, topic);
    await hears(client, 2);
    await remove(alice, topic);
    await hears(client, 3);
    assert.deepEqual(await Promise.all(client.heard.slice(1).map(parsed)), [['Update', topic], ['Delete', topic]]);
    client.close();
    await until(() => client.closed, 'it is closed');
  });

  test('pieces of changes at once are documents, each complete', async () => {
    const topics = await Promise.all(['a', 'b', 'c'].map((name) => secret(`sai-at-once/${name}`)));
    const clients = await Promise.all(topics.map((topic) => stream(alice, `${server.base}.notifications/StreamingHTTPChannel2023/${encodeURIComponent(topic)}`)));
    await Promise.all(clients.map((client) => hears(client, 1)));
    await Promise.all(topics.map((topic) => put(alice, topic)));
    for (const [at, client] of clients.entries()) {
      await hears(client, 2);
      assert.deepEqual(await parsed(client.heard[1]), ['Update', topics[at]]);
      client.close();
    }
  });
});

describe('dokieli', () => {
  const graph = async (url) => {
    const response = await alice.fetch(url, { headers: { Accept: 'text/turtle' } });
    assert.ok(response.ok, `${url}: ${response.status}`);
    return new Store(new Parser({ baseIRI: response.url }).parse(await response.text()));
  };

  /** The services in the graphs that a topic is described by, with what they say of themselves. */
  async function services(topic) {
    const { headers } = await alice.fetch(topic, { method: 'HEAD' });
    const links = LinkHeader.parse(headers.get('link')).refs;
    const found = new Map();
    for (const { uri } of links.filter(({ rel }) => ['describedby', `${SOLID}storageDescription`].includes(rel))) {
      const store = await graph(uri);
      for (const service of store.getObjects(null, namedNode(`${NOTIFY}subscription`), null)) {
        const [type] = store.getObjects(service, namedNode(`${NOTIFY}channelType`), null);
        const features = store.getObjects(service, namedNode(`${NOTIFY}feature`), null).map(({ value }) => value);
        found.set(type.value, { id: service.value, features });
      }
    }
    return found;
  }

  test('CA-1 CA-2 CA-4 CA-6 follows both descriptions, asks for a start, an end and a rate, and hears', async () => {
    const topic = await secret('dokieli');
    const service = (await services(topic)).get(WEBSOCKET_2023);
    for (const feature of ['startAt', 'endAt', 'rate', 'state', 'accept']) assert.ok(service.features.includes(NOTIFY + feature), feature);
    const [startAt, endAt] = [1_000, 3_600_000].map((time) => new Date(Date.now() + time).toISOString());
    const asked = { '@context': [N1], type: WEBSOCKET_2023, topic, startAt, endAt, rate: 'PT10S' };
    // As it creates resources: with their type, and for any answer.
    const answer = await request(alice, 'POST', service.id, JSON.stringify(asked), {
      'Content-Type': 'application/ld+json',
      Link: '<http://www.w3.org/ns/ldp#Resource>; rel="type"',
    });
    assert.equal(answer.headers.get('content-type'), 'application/ld+json');
    const channel = JSON.parse(answer.body_text);
    const { id, receiveFrom, ...same } = channel;
    assert.deepEqual(same, asked);
    assert.ok(id.startsWith(server.base));
    const client = await socket(receiveFrom);
    await until(() => Date.now() > new Date(startAt), 'it has started');
    await put(alice, topic);
    await hears(client, 1);
    const { state, ...message } = client.heard[0];
    assert.deepEqual(Object.keys(message), ['@context', 'id', 'type', 'object', 'published']);
    assert.deepEqual(message['@context'], ['https://www.w3.org/ns/activitystreams', N1]);
    assert.deepEqual([message.type, message.object], ['Update', topic]);
    assert.equal(state, (await request(alice, 'HEAD', topic)).headers.get('etag'));
    client.close();
    await until(() => client.closed, 'it is closed');
    assert.equal(client.heard.length, 1);
  });

  test('shows why it got no channel', async () => {
    const topic = await secret('dokieli-refused');
    const service = `${server.base}.notifications/WebSocketChannel2023/`;
    const body = JSON.stringify({ '@context': [N1], type: WEBSOCKET_2023, topic });
    const json = { 'Content-Type': 'application/ld+json' };
    await request(null, 'POST', service, body, json, /^401$/);
    await request(alice, 'PUT', service, body, json, /^405$/);
    await request(alice, 'POST', service, body, { ...json, Accept: 'image/png' }, /^406$/);
  });
});

// Published as `@solid-notifications/discovery` and `…/subscription`: `notifications.test.js` runs what asks in Turtle.
describe('solid-notification-client', () => {
  test('CA-3 CA-11 finds a service, asks in JSON-LD, and reads the answer as Turtle', async () => {
    const topic = await secret('solid-notification-client');
    const service = await new DiscoveryClient(alice.fetch).findService(topic, WEBSOCKET_2023);
    assert.equal(service.id, `${server.base}.notifications/WebSocketChannel2023/`);
    const endAt = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await request(alice, 'POST', service.id, JSON.stringify({ '@context': [N1], type: WEBSOCKET_2023, topic, endAt }), {
      Accept: 'text/turtle',
      'Content-Type': 'application/ld+json',
    });
    assert.ok(answer.headers.get('content-type').startsWith('text/turtle'));
    const store = new Store(new Parser({ baseIRI: service.id }).parse(answer.body_text));
    const [channel] = store.getSubjects(namedNode(RDF_TYPE), namedNode(WEBSOCKET_2023), null);
    const value = (term) => store.getObjects(channel, namedNode(NOTIFY + term), null).map(({ value }) => value);
    assert.deepEqual([value('topic'), value('endAt')], [[topic], [endAt]]);
    const client = await socket(value('receiveFrom')[0]);
    await put(alice, topic);
    await hears(client, 1);
    assert.deepEqual(short(client), [`Update ${path(topic)}`]);
    client.close();
    await until(() => client.closed, 'it is closed');
  });
});

describe('xpod', () => {
  const at = (topic) => `${server.base}.notifications/StreamingHTTPChannel2023/${encodeURIComponent(topic)}`;
  const events = { Accept: 'text/event-stream' };

  /** The messages of the events that have come whole. */
  function messages(client) {
    const whole = client.heard.join('').split('\n\n').slice(0, -1);
    const data = whole.map((event) => event.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n'));
    return data.filter(Boolean).map((text) => JSON.parse(text));
  }

  test('CA-20 T-X09 asks the stream of a topic for events', async () => {
    const topic = await secret('xpod');
    const client = await stream(alice, at(topic), events);
    assert.match(client.response.headers.get('content-type'), /^text\/event-stream/);
    await until(() => messages(client).length === 1, 'how it stands');
    await put(alice, topic);
    await until(() => messages(client).length === 2, 'the change');
    assert.deepEqual(messages(client).map(({ type, object }) => [type, object]), Array(2).fill(['Update', topic]));
    client.close();
    await until(() => client.closed, 'it is closed');
  });

  test('takes a topic that may not be read for a missing one, and hears of one that is not there yet', async () => {
    const refused = await fetch(at(await secret('xpod-refused')), { headers: events });
    assert.equal(refused.status, 401);
    await refused.body.cancel();
    const topic = `${server.users.alice.root}programs/xpod-absent`;
    const client = await stream(alice, at(topic), events);
    await until(() => messages(client).length === 1, 'how it stands');
    await put(alice, topic);
    await until(() => messages(client).length === 2, 'the change');
    assert.deepEqual(messages(client).map(({ type }) => type), ['Delete', 'Create']);
    client.close();
  });
});

describe('a driver of unstorage, and an app that works offline', () => {
  test('CA-12 stays on one origin, follows no redirect, and compares ETags when it comes back', async () => {
    const topic = await secret('offline');
    const here = new URL(topic).origin;
    const ask = async (url, init) => {
      assert.equal(new URL(url).origin, here);
      const response = await alice.fetch(url, { ...init, redirect: 'error' });
      assert.ok(response.ok && !response.redirected, `${url}: ${response.status}`);
      return response;
    };
    const head = await ask(topic, { method: 'HEAD' });
    const etag = head.headers.get('etag');
    const description = LinkHeader.parse(head.headers.get('link')).rel(`${SOLID}storageDescription`)[0].uri;
    const turtle = await (await ask(description, { headers: { Accept: 'text/turtle' } })).text();
    const store = new Store(new Parser({ baseIRI: description }).parse(turtle));
    const [service] = store.getSubjects(namedNode(`${NOTIFY}channelType`), namedNode(WEBSOCKET_2023), null);
    const connect = async () => {
      const body = JSON.stringify({ '@context': [N1], type: WEBSOCKET_2023, topic });
      const answer = await ask(service.value, { method: 'POST', body, headers: { 'Content-Type': 'application/ld+json' } });
      assert.ok([200, 201].includes(answer.status));
      const { receiveFrom } = await answer.json();
      assert.equal(new URL(receiveFrom).host, new URL(topic).host);
      return socket(receiveFrom);
    };
    const client = await connect();
    await put(alice, topic);
    await hears(client, 1);
    assert.equal(client.heard[0].object.id ?? client.heard[0].object, topic);
    const known = (await ask(topic, { method: 'HEAD' })).headers.get('etag');
    assert.ok(known !== etag && known === client.heard[0].state);
    client.close();
    await until(() => client.closed, 'it is away');
    await put(alice, topic);
    const again = await connect();
    assert.notEqual((await ask(topic, { method: 'HEAD' })).headers.get('etag'), known);
    again.close();
  });
});
