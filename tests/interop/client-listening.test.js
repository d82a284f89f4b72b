// @podbell/client listens in each way that there is, and after a crash it has missed nothing, or says so.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { discover, subscribe } from '../../clients/javascript/src/index.js';
import { OPTIONS, WebSocket, listening } from './client.js';
import { login, logout, put, putAcl, remove, request } from './clients.js';
import { start, until } from './server.js';

const CHANNELS = ['websocket', 'eventsource', 'streaming'];
const SOCKETS = ['ess', 'solid-0.1'];

let server, alice, bob, box;
before(async () => {
  server = await start();
  [alice, bob] = await Promise.all([login(server, 'alice'), login(server, 'bob')]);
});
after(async () => {
  await logout(alice, bob);
  await server?.stop();
});
let boxes = 0;
beforeEach(async () => {
  box = `${server.users.alice.root}client-${boxes++}/`;
  await put(alice, box, '');
});

const status = async (url) => (await alice.fetch(url)).status;

test('what is offered is found, by who may not read the topic too, and where there is nothing yet', async () => {
  const asked = [[alice.fetch, box], [bob.fetch, box], [undefined, box], [alice.fetch, `${box}a/b/none`], [undefined, `${box}none`]];
  for (const [fetch, topic] of asked) {
    const { services } = await discover(topic, { fetch });
    assert.deepEqual(services.map(({ transport }) => transport), [...CHANNELS, ...SOCKETS]);
    assert.ok(services.slice(0, 3).every(({ features }) => ['recursive', 'activityType', 'cursor', 'rate'].every((name) => features.includes(name))));
  }
});

for (const transport of CHANNELS) {
  test(`${transport}: the server is killed again and again, and nothing is missed, nothing heard twice`, async () => {
    const { subscription, hears, opens, gaps, told } = listening(alice, box, { transports: [transport], recursive: true });
    await subscription.ready;
    assert.deepEqual([subscription.transport, subscription.state, subscription.resumes], [transport, 'open', true]);
    const written = [];
    for (let round = 1; round <= 3; round += 1) {
      for (const name of ['before', 'deep/down']) {
        await put(alice, `${box}${round}/${name}`);
        written.push(`${round}/${name}`);
      }
      await server.crash();
      await put(alice, `${box}${round}/after`);
      await remove(alice, `${box}${round}/before`);
      written.push(`${round}/after`);
      await opens(round + 1);
    }
    await hears(3 * (3 + 1 + 2));
    await put(alice, `${box}last`);
    await until(() => told.at(-1).object === `${box}last`, 'the last');
    const names = (type) => told.filter((one) => one.type === type).map(({ object }) => object.slice(box.length));
    assert.deepEqual(names('Create').filter((name) => !name.endsWith('/')), [...written, 'last']);
    assert.deepEqual(names('Delete'), ['1/before', '2/before', '3/before']);
    assert.equal(new Set(told.map(({ id }) => id)).size, told.length);
    assert.deepEqual(gaps(), []);
    assert.equal(subscription.cursor, told.at(-1).cursor);
    const { channel } = subscription;
    assert.equal(await status(channel), 200);
    await subscription.close();
    assert.deepEqual([await status(channel), subscription.state, (await subscription.ended).reason], [410, 'closed', 'closed']);
  });

  test(`${transport}: another run of the program goes on where the last one stopped`, async () => {
    const first = listening(alice, box, { transports: [transport] });
    await first.subscription.ready;
    await put(alice, `${box}1`);
    await first.hears(1);
    const { cursor } = first.subscription;
    await first.subscription.close();
    await put(alice, `${box}2`);
    const second = listening(alice, box, { transports: [transport], cursor });
    await second.subscription.ready;
    assert.deepEqual(await second.hears(1), ['Add 2']);
    assert.deepEqual(second.gaps(), []);
    await second.subscription.close();
  });

  test(`${transport}: a cursor that leads nowhere is told as a gap, and then how it stands`, async () => {
    const { subscription, hears, said } = listening(alice, box, { transports: [transport], cursor: 'long-forgotten' });
    assert.deepEqual(await hears(1), ['Update ']);
    assert.deepEqual(said, ['open', 'gap told', 'Update ']);
    await put(alice, `${box}new`);
    assert.deepEqual(await hears(2), ['Update ', 'Add new']);
    await subscription.close();
  });
}

for (const transport of SOCKETS) {
  test(`${transport}: it comes back after a crash, and says that something may be missing`, async () => {
    const { subscription, hears, opens, said, told } = listening(alice, box, { transports: [transport] });
    await subscription.ready;
    assert.equal(subscription.resumes, false);
    await put(alice, `${box}1`);
    await hears(1);
    await server.crash();
    await put(alice, `${box}2`);
    await opens(2);
    await put(alice, `${box}3`);
    await hears(2);
    assert.deepEqual(said, ['open', 'Update ', 'waiting', 'open', 'gap cannot-resume', 'Update ']);
    assert.equal(typeof told[0].raw, transport === 'ess' ? 'object' : 'string');
    await subscription.close();
  });
}

test('what changes between looking for a way and being connected is heard', async () => {
  let between;
  const fetch = async (url, init) => {
    if (init?.method === 'POST') await (between ??= put(alice, `${box}between`));
    return alice.fetch(url, init);
  };
  const { subscription, hears } = listening({ fetch }, box);
  assert.deepEqual(await hears(1), ['Add between']);
  await subscription.close();
});

test('the message is kept as it came, and every part of it is read', async () => {
  const { subscription, hears, told } = listening(alice, box);
  await subscription.ready;
  await put(alice, `${box}a`);
  await hears(1);
  const { raw, published, ...rest } = told[0];
  assert.deepEqual(rest, { id: raw.id, type: 'Add', object: `${box}a`, target: box, state: raw.state, cursor: raw['urn:podbell:terms#cursor'] });
  assert.equal(published.toISOString(), raw.published);
  await subscription.close();
});

test('several topics are heard by one subscription', async () => {
  for (const transport of [...CHANNELS, ...SOCKETS]) {
    const topics = [`${box}${transport}-1`, `${box}${transport}-2`];
    const { subscription, hears } = listening(alice, topics, { transports: [transport] });
    await subscription.ready;
    for (const topic of topics) await put(alice, topic);
    assert.equal(new Set(await hears(2)).size, 2, transport);
    assert.deepEqual(subscription.topics, topics);
    await subscription.close();
  }
});

test('types are filtered by the server, or here', async () => {
  for (const transport of [...CHANNELS, 'ess']) {
    const topic = `${box}${transport}`;
    const { subscription, hears, heard } = listening(alice, topic, { transports: [transport], activityTypes: ['Delete'] });
    await subscription.ready;
    await put(alice, topic);
    await put(alice, topic);
    await remove(alice, topic);
    await hears(1);
    assert.deepEqual(heard(), ['Delete '], transport);
    await subscription.close();
  }
});

test('who writes and listens does not hear the own echo', async () => {
  await putAcl(alice, box, server.users.alice.webid, [server.users.bob.webid], 'acl:Read, acl:Write');
  const { subscription, hears } = listening(alice, box, { notCausedByMe: true });
  await subscription.ready;
  await put(alice, `${box}mine`);
  await put(bob, `${box}his`);
  assert.deepEqual(await hears(1), ['Add his']);
  await subscription.close();
});

test('a loop hears all from the call on, and ends with the subscription', async () => {
  const subscription = subscribe(box, { ...OPTIONS, fetch: alice.fetch });
  await subscription.ready;
  await put(alice, `${box}1`);
  await put(alice, `${box}2`);
  const heard = [];
  for await (const { type, object } of subscription) {
    heard.push(`${type} ${object.slice(box.length)}`);
    if (heard.length === 2) void subscription.close();
  }
  assert.deepEqual(heard, ['Add 1', 'Add 2']);
  assert.equal((await subscription.ended).reason, 'closed');
});

test('a callback that throws is its own fault, and all the others hear', async () => {
  const uncaught = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  try {
    const { subscription, said } = listening(alice, box, { onNotification: ({ object }) => assert.fail(object) });
    await subscription.ready;
    await put(alice, `${box}1`);
    await put(alice, `${box}2`);
    await until(() => uncaught.length === 2, 'both are thrown where errors go');
    assert.deepEqual(said, ['open']);
    await subscription.close();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  }
});

test('without a WebSocket, an event stream is taken', async () => {
  const { WebSocket: global } = globalThis;
  globalThis.WebSocket = undefined;
  try {
    const { subscription } = listening(alice, box, { WebSocket: undefined });
    await subscription.ready;
    assert.equal(subscription.transport, 'eventsource');
    await subscription.close();
    const { ended } = subscribe(box, { fetch: alice.fetch, transports: ['websocket'] });
    assert.match((await ended).message, /package `ws`/);
  } finally {
    globalThis.WebSocket = global;
  }
});

test('where WebSockets do not get through, the next way is taken', async () => {
  // As a proxy that knows no upgrade.
  class Blocked extends WebSocket {
    constructor(url) {
      super(url.replace(/\/connect\/.*/, '/none'));
    }
  }
  const { subscription, hears } = listening(alice, box, { WebSocket: Blocked });
  await subscription.ready;
  assert.equal(subscription.transport, 'eventsource');
  await put(alice, `${box}1`);
  assert.deepEqual(await hears(1), ['Add 1']);
  // What was made for the way that was left is not left behind.
  const list = await request(alice, 'GET', `${server.base}.notifications/channels/`, undefined, { Accept: 'application/ld+json' });
  assert.ok(!list.body_text.includes('WebSocketChannel2023'), list.body_text);
  await subscription.close();
});

test('what everybody may read is heard without a log-in', async () => {
  const topic = `${server.users.alice.root}profile/card`;
  const { subscription, hears } = listening(undefined, topic);
  await subscription.ready;
  const card = await request(alice, 'GET', topic, undefined, { Accept: 'text/turtle' });
  await put(alice, topic, `${card.body_text}\n<#x> <#y> <#z> .`);
  assert.deepEqual(await hears(1), ['Update ']);
  await server.crash();
  await put(alice, topic, card.body_text);
  assert.deepEqual(await hears(2), ['Update ', 'Update ']);
  await subscription.close();
});
