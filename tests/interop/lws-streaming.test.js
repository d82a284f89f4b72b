// Linked Web Storage: sockets and event streams, each on a capability that opens one connection.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { launch, serveApp } from './browser.js';
import { put } from './clients.js';
import { readEnvelope, short } from './lws/envelope.js';
import { openEvents, openSocket, tells } from './lws/streams.js';
import { EVENT_SOURCE, WEBSOCKET } from './lws/terms.js';
import { path, world } from './lws/world.js';
import { until } from './server.js';

const UNUSED = 5;

let here, c, bob;
before(async () => {
  // How long a capability waits to be opened, and a stream to be taken up again.
  here = await world({ PODBELL_LIMITS_UNUSED_CAPABILITY: `${UNUSED}s`, PODBELL_LWS_GRACE: '3s' });
  bob = here.bob.lws;
  c = await here.container();
});
after(() => here?.close());

const gone = (made) => until(async () => (await bob.get(made.management)).status === 404, 'the subscription is gone');

test('T-LWS-43 a socket, without a subprotocol: one message is one envelope', async () => {
  const socket = await here.socket(here.bob, c);
  // wss:, but on a server in development that has no certificate.
  assert.equal(new URL(socket.subscription).protocol, here.server.base.startsWith('https:') ? 'wss:' : 'ws:');
  assert.notEqual(path(socket.subscription), path(socket.management));
  for (const name of ['a', 'd/b', 'n']) await put(here.alice, c + name);
  const all = [`Update ${path(c)}a`, `Update ${path(c)}d/b`, `Create ${path(c)}n in ${path(c)}`];
  assert.deepEqual(await tells(socket, 3), all);
  assert.ok(socket.frames <= 3 && socket.frames >= 1);
});

test('T-LWS-44 a socket is closed: the subscription is gone, and its URL opens nothing', async () => {
  const socket = await here.socket(here.bob, c);
  assert.ok((await bob.listed()).includes(socket.management));
  socket.close();
  await until(() => socket.closed, 'it is closed');
  await gone(socket);
  assert.ok(!(await bob.listed()).includes(socket.management));
  await assert.rejects(openSocket(socket.subscription, bob.storage));
});

test('T-LWS-44 one that is cancelled closes', async () => {
  for (const listener of [await here.socket(here.bob, c), await here.events(here.bob, c)]) {
    assert.equal(await bob.cancel(listener.management), 204);
    await until(() => listener.closed, 'it is closed');
    await gone(listener);
  }
});

test('T-LWS-45 an event stream: each event has an id', async () => {
  const events = await here.events(here.bob, c);
  assert.match(new URL(events.subscription).protocol, /^https?:$/);
  for (const name of ['a', 'd/b']) await put(here.alice, c + name);
  assert.deepEqual(await tells(events, 2), [`Update ${path(c)}a`, `Update ${path(c)}d/b`]);
  assert.equal(new Set(events.ids).size, events.frames);
  assert.ok(events.ids.every((id) => id.length > 0));
});

test('T-LWS-45 the EventSource of a browser on another site hears it by onmessage', async (t) => {
  const [app, browser] = await Promise.all([serveApp(), launch()]);
  t.after(async () => {
    await browser.close();
    await app.close();
  });
  const page = await browser.newPage();
  await page.goto(`${app.origin}/`);
  const { subscription } = await bob.subscribe(EVENT_SOURCE, c);
  await page.evaluate(async (url) => {
    window.heard = [];
    const source = new EventSource(url);
    source.onmessage = (event) => window.heard.push([event.data, event.lastEventId]);
    await new Promise((resolve) => (source.onopen = resolve));
  }, subscription);
  await put(here.alice, `${c}a`);
  await page.waitForFunction(() => window.heard.length >= 1);
  const [[data, id]] = await page.evaluate(() => window.heard);
  assert.deepEqual(readEnvelope(data, bob).map(short), [`Update ${path(c)}a`]);
  assert.ok(id);
});

test('T-LWS-46 R-LWS-26 a stream that was cut is taken up again, and tells what was missed, once', async () => {
  const events = await here.events(here.bob, c);
  await put(here.alice, `${c}a`);
  await tells(events, 1);
  events.close();
  await until(() => events.closed, 'it is cut');
  await put(here.alice, `${c}d/b`);
  await put(here.alice, `${c}1`);
  const again = await until(async () => {
    const client = await openEvents(events.subscription, bob.storage, events.lastEventId);
    return !client.refused && client;
  }, 'the server has seen that it was cut');
  here.opened.push(again);
  const told = [`Update ${path(c)}d/b`, `Create ${path(c)}1 in ${path(c)}`];
  assert.deepEqual(await tells(again, 2), told);
  await put(here.alice, `${c}a`);
  assert.deepEqual(await tells(again, 3), [...told, `Update ${path(c)}a`]);
  const known = new Set(events.activities.map(({ id }) => id));
  assert.ok(again.activities.every(({ id }) => !known.has(id)));
});

test('T-LWS-46 each event that is told later is authorized again', async () => {
  const box = await here.container();
  const events = await here.events(here.bob, box);
  await put(here.alice, `${box}a`);
  await tells(events, 1);
  events.close();
  await put(here.alice, `${box}d/b`);
  await put(here.alice, `${box}a`);
  await here.allow(`${box}d/`, []);
  const again = await until(async () => {
    const client = await openEvents(events.subscription, bob.storage, events.lastEventId);
    return !client.refused && client;
  }, 'it is opened again');
  here.opened.push(again);
  assert.deepEqual(await tells(again, 1), [`Update ${path(box)}a`]);
});

test('T-LWS-46 after the grace, and for an id that it does not know, a stream tells to stop', async () => {
  const events = await here.events(here.bob, c);
  await put(here.alice, `${c}a`);
  await tells(events, 1);
  events.close();
  await until(async () => (await bob.get(events.management)).status === 404, 'the grace is over', 90);
  assert.equal((await openEvents(events.subscription, bob.storage, events.lastEventId)).status, 204);
  const other = await bob.subscribe(EVENT_SOURCE, c);
  assert.equal((await openEvents(other.subscription, bob.storage, 'nonsense')).status, 204);
});

test('T-LWS-47 R-LWS-25 a capability opens one connection, soon, and cannot be guessed', async () => {
  const { storage } = bob;
  const socket = await here.socket(here.bob, c);
  await assert.rejects(openSocket(socket.subscription, storage));
  const events = await here.events(here.bob, c);
  assert.equal((await openEvents(events.subscription, storage)).refused, true);
  // The one that is open is not disturbed by those who try.
  await put(here.alice, `${c}a`);
  for (const listener of [socket, events]) assert.deepEqual(await tells(listener, 1), [`Update ${path(c)}a`]);
  const late = [await bob.subscribe(WEBSOCKET, c), await bob.subscribe(EVENT_SOURCE, c)];
  for (const made of late) await gone(made);
  await assert.rejects(openSocket(late[0].subscription, storage));
  assert.equal((await openEvents(late[1].subscription, storage)).refused, true);
  const capability = new URL(socket.subscription).pathname.split('/').at(-1);
  assert.ok(capability.length >= 22, '128 bits at least');
  const guess = randomBytes(32).toString('base64url').slice(0, capability.length);
  await assert.rejects(openSocket(socket.subscription.replace(capability, guess), storage));
  await assert.rejects(openSocket(socket.subscription.replace(capability, `${capability.slice(0, -4)}AAAA`), storage));
  for (const { subscription } of [socket, events, ...late]) {
    assert.ok(!here.server.output().includes(new URL(subscription).pathname.split('/').at(-1)), 'no log tells it');
  }
});
