// Linked Web Storage: what is told of each change, to whom it is told, and in what envelope.
import assert from 'node:assert/strict';
import LinkHeader from 'http-link-header';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { hears, inrupt, put, remove, request, short as inSolid, socket } from './clients.js';
import { readEnvelope } from './lws/envelope.js';
import { tells } from './lws/streams.js';
import { path, world } from './lws/world.js';
import { subscribe } from './receivers/subscribing.js';
import { until } from './server.js';

let here;
before(async () => (here = await world()));
after(() => here?.close());

/** A listener of bob's on `topic(c)` in a new container, and what it is told by `change(c)`: nothing comes after. */
async function told(topic, change, count) {
  const c = await here.container();
  const socket = await here.socket(here.bob, topic(c));
  await change(c);
  // What is told last shows that nothing else was told before it.
  const last = [topic(c)].flat()[0];
  const sentinel = last.endsWith('/') ? `${last}sentinel` : last;
  await put(here.alice, sentinel);
  const all = await tells(socket, count + 1);
  assert.equal(all.length, count + 1, JSON.stringify(all));
  assert.equal(path(socket.activities.at(-1).object.id), path(sentinel));
  return { c: path(c), all: all.slice(0, count), activities: socket.activities, socket };
}

test('T-LWS-16 R-LWS-8 a document is created: a Create whose target is its container', async () => {
  const { c, all, activities } = await told((c) => c, (c) => put(here.alice, `${c}n`), 1);
  assert.deepEqual(all, [`Create ${c}n in ${c}`]);
  assert.deepEqual([activities[0].type, activities[0].object.type], [['Create'], ['DataResource']]);
});

test('T-LWS-17 below the topic, at any depth', async () => {
  const { c, all } = await told((c) => c, (c) => put(here.alice, `${c}d/b`), 1);
  assert.deepEqual(all, [`Update ${c}d/b`]);
});

test('T-LWS-18 a document is deleted: a Delete whose origin is its container', async () => {
  const { c, all } = await told((c) => c, (c) => remove(here.alice, `${c}d/b`), 1);
  assert.deepEqual(all, [`Delete ${c}d/b in ${c}d/`]);
});

test('T-LWS-19 the description of a container changes: an Update of the container', async () => {
  const describes = async (c) => {
    const head = await request(here.alice, 'HEAD', c);
    const [{ uri }] = LinkHeader.parse(head.headers.get('link')).rel('describedby');
    await put(here.alice, new URL(uri, c).href, `<${c}> <http://purl.org/dc/terms/title> "box" .`);
  };
  const { c, all, activities } = await told((c) => c, describes, 1);
  assert.deepEqual(all, [`Update ${c}`]);
  assert.deepEqual(activities[0].object.type, ['Container']);
});

test('T-LWS-20 a document is a topic alone', async () => {
  const change = async (c) => {
    await put(here.alice, `${c}x`);
    await put(here.alice, `${c}x`);
    await put(here.alice, `${c}ab`);
  };
  await told((c) => `${c}a`, change, 0);
});

test('T-LWS-21 R-LWS-16 what a name begins with contains nothing', async () => {
  const c = await here.container();
  await put(here.alice, `${c}foo/`, '');
  const socket = await here.socket(here.bob, `${c}foo/`);
  await put(here.alice, `${c}foo2/x`);
  await put(here.alice, `${c}foo/y`);
  assert.deepEqual(await tells(socket, 1), [`Create ${path(c)}foo/y in ${path(c)}foo/`]);
});

test('T-LWS-22 R-LWS-17 topics that overlap tell once', async () => {
  const { c, all } = await told((c) => [c, `${c}a`, `${c}d/`], (c) => put(here.alice, `${c}a`), 1);
  assert.deepEqual(all, [`Update ${c}a`]);
});

test('T-LWS-23 R-LWS-6 an envelope says what it must, and not who', async () => {
  const before = Date.now();
  const { activities } = await told((c) => c, (c) => put(here.alice, `${c}a`), 1);
  const [{ id, published, actor }] = activities;
  assert.equal(actor, undefined);
  assert.ok(Date.parse(published) >= before - 1000 && Date.parse(published) <= Date.now() + 1000, published);
  // The same change has the same id in every subscription.
  const c = await here.container();
  const listeners = [await here.socket(here.bob, c), await here.socket(here.alice, `${c}a`), await here.events(here.bob, [c])];
  await put(here.alice, `${c}a`);
  const ids = [];
  for (const listener of listeners) {
    await tells(listener, 1);
    ids.push(listener.activities[0].id);
  }
  assert.equal(new Set(ids).size, 1);
  assert.notEqual(ids[0], id);
});

test('T-LWS-23 R-LWS-5 the client of these tests takes nothing that is wrong', () => {
  const activity = {
    id: 'urn:uuid:6f0e21b7-39a3-4c0c-9b0e-0d2f0f3c9a01',
    type: ['Create'],
    object: { id: 'https://pod.example/n/7', type: ['DataResource'] },
    target: 'https://pod.example/n/',
    published: '2026-07-18T09:12:03.120Z',
  };
  const storage = 'https://pod.example/.lws/storage';
  const context = ['https://www.w3.org/ns/lws/v1', 'https://www.w3.org/ns/activitystreams'];
  const good = { '@context': context, type: 'Notification', storage, activity };
  const read = (envelope, more) => readEnvelope(JSON.stringify({ ...good, ...envelope }), { storage, ...more });
  assert.equal(read({}).length, 1);
  const { id, ...another } = activity;
  assert.equal(read({ activity: [activity, { ...another, id: id.replace('6f', '7f') }] }).length, 2);
  const wrong = (more) => ({ activity: { ...activity, ...more } });
  const each = [
    { type: ['Notification'] },
    { storage: 'https://other.example/' },
    { activity: [] },
    { activity: [activity, activity] },
    { actor: 'https://pod.example/me' },
    wrong({ type: 'Create' }),
    wrong({ type: ['Add'] }),
    wrong({ type: [] }),
    wrong({ object: activity.object.id }),
    wrong({ object: { ...activity.object, type: 'DataResource' } }),
    wrong({ object: { ...activity.object, state: '"1"' } }),
    wrong({ object: { ...activity.object, type: ['http://www.w3.org/ns/ldp#Resource'] } }),
    wrong({ published: '2026-07-18 09:12' }),
    wrong({ origin: 'https://pod.example/n/' }),
    wrong({ type: ['Update'] }),
    wrong({ actor: 'https://pod.example/me' }),
    wrong({ id: '7' }),
  ];
  for (const envelope of each) assert.throws(() => read(envelope), undefined, JSON.stringify(envelope));
  assert.equal(read(wrong({ actor: 'https://pod.example/me' }), { actor: true }).length, 1);
});

test('T-LWS-30 R-LWS-18 each resource on the way has an activity of its own, once', async () => {
  const { c, all } = await told((c) => c, (c) => put(here.alice, `${c}p/q/r`), 3);
  assert.deepEqual(all, [`Create ${c}p/ in ${c}`, `Create ${c}p/q/ in ${c}p/`, `Create ${c}p/q/r in ${c}p/q/`]);
});

test('T-LWS-30 a tree is deleted: the children first, where it can be', async (t) => {
  const c = await here.container();
  const socket = await here.socket(here.bob, c);
  const answer = await here.alice.fetch(`${c}d/`, { method: 'DELETE', headers: { Depth: 'infinity' } });
  if (!answer.ok) {
    // A container that is not empty stays: nothing is told of it.
    assert.equal(answer.status, 409);
    t.diagnostic('trees are not deleted at once here: child by child');
    await remove(here.alice, `${c}d/b`);
    await remove(here.alice, `${c}d/`);
  }
  const all = await tells(socket, 2);
  assert.deepEqual(all, [`Delete ${path(c)}d/b in ${path(c)}d/`, `Delete ${path(c)}d/ in ${path(c)}`]);
});

test('T-LWS-31 what fails, is refused or changes a rule is not told', async () => {
  const turtle = { 'Content-Type': 'text/turtle' };
  const change = async (c) => {
    const a = `${c}a`;
    await request(here.alice, 'PUT', a, '<x> <y', turtle, /^400$/);
    await request(here.eve, 'PUT', a, '', turtle, /^403$/);
    await request(here.bob, 'DELETE', a, undefined, {}, /^403$/);
    await request(null, 'PUT', `${c}new`, '', turtle, /^401$/);
    await request(here.alice, 'PUT', a, '', { ...turtle, 'If-None-Match': '*' }, /^412$/);
    await request(here.alice, 'PUT', a, '', { ...turtle, 'If-Match': '"no"' }, /^412$/);
    await request(here.alice, 'DELETE', `${c}no-such`, undefined, {}, /^404$/);
    await request(here.alice, 'DELETE', c, undefined, {}, /^409$/);
    await here.allow(a, [here.server.users.bob.webid]);
    await request(here.alice, 'GET', a);
  };
  await told((c) => c, change, 0);
});

/** The last word of the old dialect: a socket as rdflib opens it, on what `Updates-Via` says. */
async function legacy(session, topic) {
  const { headers } = await request(session, 'HEAD', topic.endsWith('/') ? topic : new URL('.', topic).href);
  const socket = new WebSocket(headers.get('updates-via'), 'solid-0.1');
  const client = { heard: [], acked: false, close: () => socket.close() };
  socket.on('message', (data) => {
    const [word, url] = data.toString().split(' ');
    if (word === 'ack') client.acked = true;
    if (word === 'pub') client.heard.push(`pub ${path(url)}`);
  });
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  socket.send(`sub ${topic}`);
  await until(() => client.acked, `ack ${topic}`);
  here.opened.push(client);
  return client;
}

test('T-LWS-48 one change is told in each dialect, in the same order', async () => {
  const c = await here.container();
  const n = `${c}n`;
  const dialects = {
    lws: (topic) => here.socket(here.bob, topic),
    solid: async (topic) => {
      const { receiveFrom } = await subscribe(here.bob, here.server, 'WebSocketChannel2023', { topic });
      return socket(receiveFrom);
    },
    ess: (topic) => inrupt(here.bob, topic),
    old: (topic) => legacy(here.bob, topic),
  };
  const listeners = {};
  for (const [name, listen] of Object.entries(dialects)) listeners[name] = [await listen(n), await listen(c)];
  here.opened.push(...listeners.solid, ...listeners.ess);
  for (const change of [put, put, remove]) await change(here.alice, n);
  const [child, parent] = [path(n), path(c)];
  const all = [`Create ${child} in ${parent}`, `Update ${child}`, `Delete ${child} in ${parent}`];
  assert.deepEqual(await tells(listeners.lws[0], 3), all);
  assert.deepEqual(await tells(listeners.lws[1], 3), all);
  const heard = async (listener, expected, short) => {
    await hears(listener, expected.length);
    assert.deepEqual(short(listener), expected);
  };
  await heard(listeners.solid[0], [`Create ${child}`, `Update ${child}`, `Delete ${child}`], inSolid);
  await heard(listeners.solid[1], [`Add ${child}`, `Remove ${child}`], inSolid);
  await heard(listeners.ess[0], [`Create ${child}`, `Update ${child}`, `Delete ${child}`], inSolid);
  await heard(listeners.ess[1], [`Update ${parent}`, `Update ${parent}`], inSolid);
  const plain = ({ heard }) => heard;
  await heard(listeners.old[0], Array(3).fill(`pub ${child}`), plain);
  await heard(listeners.old[1], Array(3).fill(`pub ${parent}`), plain);
});
