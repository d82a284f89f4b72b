// The published clients hear what they may hear, once, and nothing else.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { channel, hears, inrupt, people, put, putAcl, remove, request, short, socket, WEBSOCKET_2023 } from './clients.js';
import { until } from './server.js';

const { server, alice, bob } = await people();

const inAlice = (path) => server.users.alice.root + path;

describe('@inrupt/solid-client-notifications', () => {
  test('hears Create, Update and Delete of a document', async () => {
    const topic = inAlice('inrupt/doc');
    const listener = await inrupt(alice, topic);
    await put(alice, topic);
    await put(alice, topic);
    await remove(alice, topic);
    await hears(listener, 3);
    const path = new URL(topic).pathname;
    assert.deepEqual(short(listener), [`Create ${path}`, `Update ${path}`, `Delete ${path}`]);
    for (const message of listener.heard) {
      assert.equal(message.type[0], 'http://www.w3.org/ns/prov#Activity');
      assert.deepEqual(message.actor, [server.users.alice.webid]);
      assert.match(message.id, /^urn:uuid:/);
      assert.match(message.published, /Z$/);
      assert.ok(message.object.state);
    }
    listener.close();
    await until(() => listener.closed, 'closed');
  });

  test('hears one frame for each child created or deleted in a container, none for a modified child', async () => {
    const topic = inAlice('inrupt-box/');
    await put(alice, topic, '');
    const listener = await inrupt(alice, topic);
    await put(alice, `${topic}a`);
    await put(alice, `${topic}a`);
    await remove(alice, `${topic}a`);
    const created = await request(alice, 'POST', topic, '', {
      'Content-Type': 'text/turtle',
      Link: '<http://www.w3.org/ns/ldp#BasicContainer>; rel="type"',
    });
    await remove(alice, created.headers.get('location'));
    await hears(listener, 4);
    const path = new URL(topic).pathname;
    assert.deepEqual(short(listener), Array(4).fill(`Update ${path}`));
    listener.close();
  });
});

describe('@solid-notifications/subscription on WebSocketChannel2023', () => {
  test('hears Create, Update and Delete of a document', async () => {
    const topic = inAlice('channel/doc');
    await put(alice, topic);
    const listener = await channel(alice, topic);
    await put(alice, topic);
    await remove(alice, topic);
    await put(alice, topic);
    await hears(listener, 3);
    const path = new URL(topic).pathname;
    assert.deepEqual(short(listener), [`Update ${path}`, `Delete ${path}`, `Create ${path}`]);
    const read = await request(alice, 'GET', topic);
    assert.equal(listener.heard[2].state, read.headers.get('etag'));
    assert.deepEqual(Object.keys(listener.heard[0]).sort(), ['@context', 'id', 'object', 'published', 'state', 'type']);
    listener.close();
  });

  test('hears Add and Remove on a container, none for a modified child', async () => {
    const topic = inAlice('channel-box/');
    await put(alice, topic, '');
    const listener = await channel(alice, topic);
    await put(alice, `${topic}a`);
    await put(alice, `${topic}a`);
    await remove(alice, `${topic}a`);
    await hears(listener, 2);
    const child = new URL(`${topic}a`).pathname;
    assert.deepEqual(short(listener), [`Add ${child}`, `Remove ${child}`]);
    assert.ok(listener.heard.every((message) => message.target === topic));
    listener.close();
  });

  test('its owner ends a channel by DELETE, nobody else does', async () => {
    const topic = inAlice('channel/ended');
    await put(alice, topic);
    const listener = await channel(alice, topic);
    await request(null, 'DELETE', listener.subscription.id, undefined, {}, /^401$/);
    await request(bob, 'DELETE', listener.subscription.id, undefined, {}, /^403$/);
    await request(alice, 'DELETE', listener.subscription.id, undefined, {}, /^204$/);
    await until(() => listener.closed, 'closed');
    assert.equal(listener.code, 1000);
    await assert.rejects(socket(listener.subscription.receiveFrom));
  });
});

describe('authorization', () => {
  test('an agent without Read gets 403 on both front doors', async () => {
    const topic = inAlice('secret');
    await put(alice, topic);
    await assert.rejects(inrupt(bob, topic), (error) => error.statusCode === 403 || error.response?.status === 403 || /403/.test(error.message));
    const service = `${server.base}.notifications/WebSocketChannel2023/`;
    const body = JSON.stringify({
      '@context': ['https://www.w3.org/ns/solid/notification/v1'],
      type: WEBSOCKET_2023,
      topic,
    });
    await request(bob, 'POST', service, body, { 'Content-Type': 'application/ld+json' }, /^403$/);
    await request(null, 'POST', service, body, { 'Content-Type': 'application/ld+json' }, /^401$/);
  });

  for (const [name, listen] of [['inrupt', inrupt], ['channel', channel]]) {
    test(`a reader whose Read is withdrawn hears nothing more and cannot reconnect (${name})`, async () => {
      const topic = inAlice(`withdrawn-${name}`);
      await put(alice, topic);
      await putAcl(alice, topic, server.users.alice.webid, [server.users.bob.webid]);
      const reader = await listen(bob, topic);
      const owner = await listen(alice, topic);
      await put(alice, topic);
      await hears(reader, 1);
      await putAcl(alice, topic, server.users.alice.webid, []);
      await put(alice, topic);
      await hears(owner, 2);
      await until(() => reader.closed, 'the reader is cut off');
      assert.equal(reader.heard.length, 1);
      if (reader.subscription) await assert.rejects(socket(reader.subscription.receiveFrom));
      await assert.rejects(listen(bob, topic));
      owner.close();
    });
  }
});
