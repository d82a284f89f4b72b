// What the integration tests of Community Solid Server ask of WebSocketChannel2023, WebhookChannel2023 and
// StreamingHTTPChannel2023. Ours differ in the debugging log-in (here: a session), in who may delete (a session), in 204
// for its 205, in the ids of messages, which hold no topic, in HTTP errors where it opens a WebSocket to say so, and in
// what signs: the issuer of the sender is its own, and proofs have a key that is not the issuer's.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, EmbeddedJWK, jwtVerify } from 'jose';
import { DataFactory, Parser, Store } from 'n3';
import { hears, login, logout, put, putAcl, remove, request, socket, stream } from './clients.js';
import { listen } from './receivers/listening.js';
import { start, until } from './server.js';

const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
const AS = 'https://www.w3.org/ns/activitystreams#';
const RDF_TYPE = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type';
const CONTEXT = ['https://www.w3.org/ns/solid/notification/v1'];
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

const at = (name) => server.users.alice.root + name;
const match = (response, rel) => new RegExp(`<([^>]+)>; rel="http:\\/\\/www\\.w3\\.org\\/ns\\/solid\\/terms#${rel}"`, 'u').exec(response.headers.get('link'))[1];
const values = (store, term) => store.getObjects(null, namedNode(term), null).map(({ value }) => value);

/** The keys, and nothing beside them. */
function isNotification(notification, type, object, target) {
  const keys = ['@context', 'id', 'object', 'published', ...(type === 'Delete' ? [] : ['state']), ...(target ? ['target'] : []), 'type'];
  assert.deepEqual(Object.keys(notification).sort(), keys);
  assert.deepEqual(notification['@context'], ['https://www.w3.org/ns/activitystreams', ...CONTEXT]);
  assert.deepEqual([notification.type, notification.object, notification.target], [type, object, target]);
}

/** Where channels of a type are asked for, and how: as its tests find and do it. */
function asking(TYPE) {
  let service;
  before(async () => {
    const description = match(await request(null, 'HEAD', at('profile/card')), 'storageDescription');
    const answer = await request(null, 'GET', description, undefined, { accept: 'text/turtle' });
    const store = new Store(new Parser().parse(answer.body_text));
    const found = store.getObjects(namedNode(server.users.alice.root), namedNode(`${NOTIFY}subscription`), null);
    const [ours, ...others] = found.filter((one) => store.has(DataFactory.quad(one, namedNode(`${NOTIFY}channelType`), namedNode(TYPE))));
    assert.deepEqual(others, []);
    service = ours.value;
  });

  async function subscribe(topic, features = {}) {
    const answer = await request(alice, 'POST', service, JSON.stringify({ '@context': CONTEXT, type: TYPE, topic, ...features }), {
      'content-type': 'application/ld+json',
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/ld+json');
    const channel = JSON.parse(answer.body_text);
    assert.equal(channel.type, TYPE);
    return channel;
  }

  return { subscribe, service: () => service };
}

describe('WebSocketChannel2023', () => {
  const TYPE = `${NOTIFY}WebSocketChannel2023`;
  const { subscribe, service } = asking(TYPE);

  test('CA-1 CA-6 one URL tells Create, Update and Delete to three connections after each other', async () => {
    const topic = at('css/foo');
    const { receiveFrom } = await subscribe(topic);
    for (const [type, change] of [['Create', put], ['Update', put], ['Delete', remove]]) {
      const client = await socket(receiveFrom);
      await change(alice, topic);
      await hears(client, 1);
      isNotification(client.heard[0], type, topic);
      client.close();
      await until(() => client.closed, 'closed');
    }
  });

  test('only who may read subscribes', async () => {
    const topic = at('css/restricted');
    await put(alice, topic);
    await putAcl(alice, topic, server.users.alice.webid, []);
    const body = JSON.stringify({ '@context': CONTEXT, type: TYPE, topic });
    await request(null, 'POST', service(), body, { 'content-type': 'application/ld+json' }, /^401$/);
    await subscribe(topic);
  });

  test('a state of before is answered with how it is', async () => {
    const topic = at('css/state');
    await put(alice, topic);
    const client = await socket((await subscribe(topic, { state: 'abc' })).receiveFrom);
    await hears(client, 1);
    isNotification(client.heard[0], 'Update', topic);
    client.close();
  });

  test('a channel that ended long ago is made, and nobody connects to it', async () => {
    const { receiveFrom } = await subscribe(at('css/foo'), { endAt: '1988-03-09T14:48:00.000Z' });
    await assert.rejects(socket(receiveFrom), /410/);
  });

  test('a container tells what is added and removed', async () => {
    const [box, resource] = [at('css/box/'), at('css/box/resource')];
    await put(alice, box, '');
    const client = await socket((await subscribe(box)).receiveFrom);
    await put(alice, resource);
    await hears(client, 1);
    isNotification(client.heard[0], 'Add', resource, box);
    await remove(alice, resource);
    await hears(client, 2);
    isNotification(client.heard[1], 'Remove', resource, box);
    client.close();
  });

  test('CA-3 a channel is asked for and answered in Turtle', async () => {
    const topic = at('css/foo');
    const turtle = `_:id <${RDF_TYPE}> <${TYPE}> ; <${NOTIFY}topic> <${topic}>.`;
    const answer = await request(alice, 'POST', service(), turtle, { 'content-type': 'text/turtle', accept: 'text/turtle' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/turtle');
    const store = new Store(new Parser({ baseIRI: service() }).parse(answer.body_text));
    assert.deepEqual(values(store, RDF_TYPE), [TYPE]);
    assert.deepEqual(values(store, `${NOTIFY}topic`), [topic]);
    assert.equal(values(store, `${NOTIFY}receiveFrom`).length, 1);
  });

  test('CA-14 a channel is deleted once', async () => {
    const { id } = await subscribe(at('css/foo'));
    assert.equal((await request(alice, 'DELETE', id)).status, 204);
    await request(alice, 'DELETE', id, undefined, {}, /^(404|410)$/);
  });
});

describe('WebhookChannel2023', () => {
  const { subscribe } = asking(`${NOTIFY}WebhookChannel2023`);
  let hook;
  before(async () => (hook = await listen(() => 200)));
  after(() => hook.close());
  const told = ({ headers, body }) => {
    assert.equal(headers['content-type'], 'application/ld+json');
    return JSON.parse(body);
  };

  test('CA-14 T-K04 T-K07 a change rings, by the issuer that the sender names; a channel is deleted', async () => {
    const topic = at('css/hook');
    const sendTo = hook.url('/');
    const { id, sender } = await subscribe(topic, { [`${NOTIFY}sendTo`]: sendTo });
    await request(alice, 'PUT', topic, 'abc', { 'content-type': 'text/plain' }, /^201$/);
    const [rung] = await hook.arrives(1);
    isNotification(told(rung), 'Create', topic);
    const document = new Store(new Parser({ baseIRI: sender }).parse((await request(null, 'GET', sender, undefined, { accept: 'text/turtle' })).body_text));
    const [issuer] = values(document, 'http://www.w3.org/ns/solid/terms#oidcIssuer');
    const configuration = await request(null, 'GET', `${issuer}/.well-known/openid-configuration`);
    assert.ok(configuration.headers.get('content-type').includes('application/json'));
    const jwks = createRemoteJWKSet(new URL(JSON.parse(configuration.body_text).jwks_uri));
    const { authorization, dpop } = rung.headers;
    assert.match(authorization, /^dpop /i);
    const token = await jwtVerify(authorization.slice('dpop '.length), jwks, { issuer });
    assert.equal(token.payload.webid, sender);
    const { payload } = await jwtVerify(dpop, EmbeddedJWK);
    assert.deepEqual([payload.htu, payload.htm], [sendTo, 'POST']);
    assert.equal((await request(alice, 'DELETE', id)).status, 204);
    await request(alice, 'DELETE', id, undefined, {}, /^(404|410)$/);
  });

  test('T-K15 a state of before is answered with how it is', async () => {
    const topic = at('css/hook-state');
    await put(alice, topic);
    const count = hook.arrived.length + 1;
    await subscribe(topic, { [`${NOTIFY}sendTo`]: hook.url('/'), state: 'abc' });
    isNotification(told((await hook.arrives(count)).at(-1)), 'Update', topic);
  });
});

describe('StreamingHTTPChannel2023', () => {
  const endpoint = (topic) => `${server.base}.notifications/StreamingHTTPChannel2023/${encodeURIComponent(topic)}`;

  /** A piece, parsed without a base: `[type, object, target]`. */
  function told(piece) {
    const store = new Store(new Parser().parse(piece));
    return [RDF_TYPE, `${AS}object`, `${AS}target`].flatMap((term) => values(store, term)).map((value) => value.replace(AS, ''));
  }

  test('the link of a topic is its endpoint', async () => {
    const topic = at('profile/card');
    assert.equal(match(await request(null, 'GET', topic), 'updatesViaStreamingHttp2023'), endpoint(topic));
  });

  test('an endpoint is read only', async () => {
    for (const method of ['PUT', 'POST', 'DELETE']) await request(alice, method, endpoint(at('css/stream')), '', {}, /^405$/);
  });

  test('CA-13 Delete first for what is not there, then Create, Update and Delete, each a piece', async () => {
    const topic = at('css/stream');
    const client = await stream(alice, endpoint(topic));
    await hears(client, 1);
    for (const [at, change] of [put, put, remove].entries()) {
      await change(alice, topic);
      await hears(client, at + 2);
    }
    assert.deepEqual(client.heard.map(told), ['Delete', 'Create', 'Update', 'Delete'].map((type) => [type, topic]));
    client.close();
  });

  test('who connects later changes nothing for the first', async () => {
    const topic = at('css/two');
    await put(alice, topic);
    const clients = [await stream(alice, endpoint(topic)), await stream(alice, endpoint(topic))];
    for (const client of clients) await hears(client, 1);
    await remove(alice, topic);
    for (const client of clients) {
      await hears(client, 2);
      assert.deepEqual(client.heard.map(told), [['Update', topic], ['Delete', topic]]);
      client.close();
    }
  });

  test('only who may read connects', async () => {
    const topic = at('css/restricted-stream');
    await put(alice, topic);
    await request(null, 'GET', endpoint(topic), undefined, {}, /^401$/);
    const client = await stream(alice, endpoint(topic));
    assert.equal(client.response.status, 200);
    client.close();
  });

  test('a container tells what is added and removed', async () => {
    const [box, resource] = [at('css/streamed/'), at('css/streamed/resource')];
    await put(alice, box, '');
    const client = await stream(alice, endpoint(box));
    await hears(client, 1);
    await put(alice, resource);
    await hears(client, 2);
    await remove(alice, resource);
    await hears(client, 3);
    assert.deepEqual(client.heard.slice(1).map(told), [['Add', resource, box], ['Remove', resource, box]]);
    client.close();
  });
});
