// Linked Web Storage: nobody is told of what they may not read, at any depth, whenever they lost it or got it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { acl, channel, hears, put, remove, short as inSolid } from './clients.js';
import { receive } from './lws/receiver.js';
import { tells } from './lws/streams.js';
import { path, world } from './lws/world.js';
import { until } from './server.js';

let here, bobs;
before(async () => {
  here = await world();
  bobs = [here.server.users.bob.webid];
});
after(() => here?.close());

/** A receiver that takes nothing before `open()`. */
async function closed(t) {
  let open = false;
  const receiver = await receive(() => (open ? 204 : 503));
  t.after(() => receiver.close());
  return Object.assign(receiver, { open: () => (open = true) });
}

/** Whether a subscription is over: it is not there, and not listed. */
async function ended(person, { management }) {
  await until(async () => (await person.lws.get(management)).status === 404, 'the subscription has ended');
  assert.ok(!(await person.lws.listed()).includes(management));
}

test('T-LWS-24 R-LWS-15 what is not readable is not told, whatever becomes of it', async () => {
  const c = await here.container();
  // Bob reads the container, its `a`, and nothing that comes.
  const bob = `<#bob> a acl:Authorization ; acl:accessTo <${c}> ; acl:mode acl:Read ; acl:agent <${bobs[0]}> .`;
  await here.allow(`${c}a`, bobs);
  await put(here.alice, `${c}.acl`, `${acl(c, here.server.users.alice.webid)}\n${bob}`);
  const [socket, solid] = [await here.socket(here.bob, c), await channel(here.bob, c)];
  here.opened.push(solid);
  const secret = `${c}secret`;
  assert.equal((await here.bob.fetch(c)).status, 200);
  for (const resource of [secret, `${c}d/secret`]) {
    await put(here.alice, resource);
    assert.equal((await here.bob.fetch(resource)).status, 403);
    await put(here.alice, resource);
    await remove(here.alice, resource);
  }
  await put(here.alice, `${c}a`);
  assert.deepEqual(await tells(socket, 1), [`Update ${path(c)}a`]);
  // On the container itself, where Solid asks for Read on the container.
  await hears(solid, 2);
  assert.deepEqual(inSolid(solid), [`Add ${path(secret)}`, `Remove ${path(secret)}`]);
});

test('T-LWS-25 part of a topic is lost: that is muted, the rest goes on', async (t) => {
  const c = await here.container();
  const receiver = await receive();
  t.after(() => receiver.close());
  const [hook, socket] = [await here.webhook(here.bob, c, receiver), await here.socket(here.bob, c)];
  await put(here.alice, `${c}d/b`);
  await receiver.tells(1);
  await here.allow(`${c}d/`, []);
  await put(here.alice, `${c}d/b`);
  await put(here.alice, `${c}a`);
  const expected = [`Update ${path(c)}d/b`, `Update ${path(c)}a`];
  assert.deepEqual(await receiver.tells(2), expected);
  assert.deepEqual(await tells(socket, 2), expected);
  const listed = await here.bob.lws.listed();
  assert.ok(listed.includes(hook.management) && listed.includes(socket.management));
});

test('T-LWS-25 one of two topics is lost: the other is still told', async () => {
  const c = await here.container();
  const socket = await here.socket(here.bob, [`${c}a`, `${c}d/`]);
  await here.allow(`${c}a`, []);
  await put(here.alice, `${c}a`);
  await put(here.alice, `${c}d/b`);
  assert.deepEqual(await tells(socket, 1), [`Update ${path(c)}d/b`]);
  assert.ok((await here.bob.lws.listed()).includes(socket.management));
});

test('T-LWS-26 every topic is lost: silence, and the subscription is no more', async (t) => {
  const c = await here.container();
  const receiver = await receive();
  t.after(() => receiver.close());
  const listeners = [await here.webhook(here.bob, c, receiver), await here.socket(here.bob, c), await here.events(here.bob, c)];
  await put(here.alice, `${c}a`);
  await receiver.tells(1);
  for (const listener of listeners.slice(1)) await tells(listener, 1);
  await here.allow(c, []);
  await put(here.alice, `${c}a`);
  await put(here.alice, `${c}d/b`);
  for (const listener of listeners) await ended(here.bob, listener);
  for (const { activities, closed } of listeners.slice(1)) {
    await until(() => closed || activities, 'it is closed');
    assert.equal(activities.length, 1);
  }
  assert.equal(receiver.requests.length, 1);
  // Who may again subscribes again; the old one stays ended.
  await here.allow(c, bobs);
  const again = await here.webhook(here.bob, c, receiver);
  await put(here.alice, `${c}d/b`);
  assert.deepEqual(await receiver.tells(2), [`Update ${path(c)}a`, `Update ${path(c)}d/b`]);
  assert.deepEqual(await here.bob.lws.listed().then((all) => all.filter((id) => id === again.management)), [again.management]);
});

test('T-LWS-27 what was withdrawn before it could be sent is not sent', async (t) => {
  const c = await here.container();
  const receiver = await closed(t);
  await here.webhook(here.bob, c, receiver);
  await put(here.alice, `${c}a`);
  await receiver.arrive(1);
  await put(here.alice, `${c}d/b`);
  await here.allow(`${c}d/`, []);
  receiver.open();
  await receiver.tells(1);
  await put(here.alice, `${c}a`);
  assert.deepEqual(await receiver.tells(2), Array(2).fill(`Update ${path(c)}a`));
});

test('T-LWS-28 R-LWS-14 what could not be read when it happened is not told to who may read it later', async (t) => {
  const c = await here.container();
  await here.allow(`${c}d/`, []);
  const receiver = await closed(t);
  await here.webhook(here.bob, c, receiver);
  const socket = await here.socket(here.bob, c);
  await put(here.alice, `${c}a`);
  await receiver.arrive(1);
  await put(here.alice, `${c}d/b`);
  await here.allow(`${c}d/`, bobs);
  receiver.open();
  await receiver.tells(1);
  await put(here.alice, `${c}d/c`);
  const expected = [`Update ${path(c)}a`, `Create ${path(c)}d/c in ${path(c)}d/`];
  assert.deepEqual(await receiver.tells(2), expected);
  assert.deepEqual(await tells(socket, 2), expected);
});

test('T-LWS-29 the rule of a document goes with it: who could read it until then is told', async () => {
  const c = await here.container([]);
  await here.allow(`${c}a`, bobs);
  const [document, stranger] = [await here.socket(here.bob, `${c}a`), here.eve.lws];
  await assert.rejects(stranger.subscribe('WebSocketSubscription', `${c}a`), /^Error: 403/);
  await remove(here.alice, `${c}a`);
  assert.deepEqual(await tells(document, 1), [`Delete ${path(c)}a in ${path(c)}`]);
  // The name is somebody else's now: bob may not read it, and what he had is not opened again.
  await put(here.alice, `${c}a`);
  await ended(here.bob, document);
  assert.equal(document.activities.length, 1);
});
