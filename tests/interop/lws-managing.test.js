// Linked Web Storage: whoever has subscribed sees their subscriptions, page by page, and ends them; nobody else does.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { put } from './clients.js';
import { receive } from './lws/receiver.js';
import { WEBHOOK, WEBSOCKET } from './lws/terms.js';
import { path, world } from './lws/world.js';

let here, c, receiver;
before(async () => {
  [here, receiver] = await Promise.all([world(), receive()]);
  c = await here.container();
});
after(async () => {
  receiver?.close();
  await here?.close();
});

test('T-LWS-39 a listing is of whoever asks', async () => {
  const made = await here.webhook(here.bob, c, receiver);
  const { items, total } = await here.bob.lws.list();
  assert.deepEqual([items.map(({ id }) => id), total], [[made.management], 1]);
  assert.ok(items[0].type.includes('https://www.w3.org/ns/lws#WebhookSubscription'));
  const text = await (await here.bob.lws.get(made.management)).arrayBuffer();
  assert.ok(items[0].size === undefined || items[0].size === text.byteLength);
  const eves = await here.eve.lws.list();
  assert.deepEqual([eves.items, eves.total], [[], 0]);
  assert.equal((await fetch(here.bob.lws.endpoint)).status, 401);
  assert.equal(await here.bob.lws.cancel(made.management), 204);
});

test('T-LWS-39 R-LWS-23 streams are listed where they are looked after, and their capability is not told', async () => {
  const made = await here.bob.lws.subscribe(WEBSOCKET, c);
  const { items, pages } = await here.bob.lws.list();
  assert.deepEqual(items.map(({ id }) => id), [made.management]);
  const capability = new URL(made.subscription).pathname.split('/').at(-1);
  const told = JSON.stringify([items, await here.bob.lws.state(made.management), [...pages[0].response.headers]]);
  assert.ok(capability.length >= 22 && !told.includes(capability));
  assert.equal(await here.bob.lws.cancel(made.management), 204);
});

test('T-LWS-39 R-LWS-24 a listing that has not changed is not sent again; other methods are refused', async () => {
  const { endpoint, fetch } = here.bob.lws;
  const [{ response }] = (await here.bob.lws.list()).pages;
  const answer = await fetch(endpoint, { headers: { 'If-None-Match': response.headers.get('etag') } });
  assert.equal(answer.status, 304);
  const head = await fetch(endpoint, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const refused = await fetch(endpoint, { method });
    assert.equal(refused.status, 405);
    assert.match(refused.headers.get('allow'), /GET.*POST|POST.*GET/);
  }
});

test('T-LWS-40 two hundred and fifty are listed, each once', async () => {
  const asked = Array.from({ length: 250 }, (_, index) => receiver.url(`/${index}`));
  const made = [];
  const some = async () => {
    for (let inbox; (inbox = asked.pop()); ) made.push((await here.bob.lws.subscribe(WEBHOOK, `${c}a`, { inbox })).management);
  };
  await Promise.all(Array.from({ length: 8 }, some));
  const { items, pages, total } = await here.bob.lws.list();
  assert.equal(total, 250);
  assert.deepEqual(items.map(({ id }) => id).sort(), made.sort());
  assert.ok(pages.length > 1, 'it has pages');
  assert.ok(pages.every(({ total }) => total === 250));
  const rel = ({ response }, name) => new RegExp(`rel="?${name}"?`).test(response.headers.get('link'));
  assert.deepEqual([rel(pages[0], 'prev'), rel(pages.at(-1), 'next')], [false, false]);
  // What is between pages may go while they are walked.
  const [, second] = pages;
  assert.equal(await here.bob.lws.cancel(items[0].id), 204);
  assert.equal((await here.bob.fetch(second.url)).status, 200);
  assert.equal((await here.eve.fetch(second.url).then((answer) => answer.json())).items?.length ?? 0, 0);
  await Promise.all(made.map((management) => here.bob.lws.cancel(management)));
  assert.deepEqual(await here.bob.lws.listed(), []);
});

test('T-LWS-41 who has subscribed reads it and ends it, and then nothing comes', async () => {
  const before = receiver.requests.length;
  const [made, other] = [await here.webhook(here.bob, c, receiver, '/gone'), await here.webhook(here.bob, c, receiver, '/stays')];
  const state = await here.bob.lws.state(made.management);
  const { type, subscription, topic, inbox } = state;
  assert.deepEqual([type, subscription, topic, inbox], [WEBHOOK, made.subscription, [c], receiver.url('/gone')]);
  assert.equal((await here.bob.fetch(made.management, { method: 'HEAD' })).status, 200);
  assert.equal((await here.bob.fetch(made.management, { method: 'PUT' })).status, 405);
  // The owner of the storage sees who listens to it.
  assert.equal((await here.alice.lws.get(made.management)).status, 200);
  assert.equal(await here.bob.lws.cancel(made.management), 204);
  assert.equal((await here.bob.lws.get(made.management)).status, 404);
  assert.equal(await here.bob.lws.cancel(made.management), 404);
  assert.deepEqual(await here.bob.lws.listed(), [other.management]);
  await put(here.alice, `${c}a`);
  await receiver.arrive(before + 1);
  await put(here.alice, `${c}a`);
  await receiver.arrive(before + 2);
  assert.deepEqual(receiver.requests.slice(before).map(({ url }) => path(url)), ['/stays', '/stays']);
  assert.equal(await here.bob.lws.cancel(other.management), 204);
});

test('T-LWS-42 for everybody else it is not there, and it still delivers', async () => {
  const before = receiver.requests.length;
  const made = await here.webhook(here.bob, c, receiver);
  const invented = made.management.replace(/.{8}$/, 'AAAAAAAA');
  for (const management of [made.management, invented]) {
    assert.equal((await here.eve.lws.get(management)).status, 404);
    assert.equal(await here.eve.lws.cancel(management), 404);
    assert.equal((await fetch(management)).status, 401);
    assert.equal((await fetch(management, { method: 'DELETE' })).status, 401);
  }
  await put(here.alice, `${c}a`);
  await receiver.arrive(before + 1);
  assert.equal((await here.bob.lws.state(made.management)).type, WEBHOOK);
  assert.equal(await here.bob.lws.cancel(made.management), 204);
});
