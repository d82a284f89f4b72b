// @podbell/client on Community Solid Server: it listens to what there is, comes back, and is plain about what that server cannot do.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { discover } from '../../clients/javascript/src/index.js';
import { WebSocket, listening } from './client.js';
import { put, remove } from './clients.js';
import { loginAtCss, startCss } from './css.js';
import { freePorts, until } from './server.js';

let root, port, css, alice, box;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'podbell-client-css-'));
  port = await freePorts();
  css = await startCss(root, port);
  alice = await loginAtCss(css);
  box = `${css.pod}client/`;
  await put(alice, `${box}old`);
});
after(async () => {
  await alice?.logout();
  await css?.stop();
  for (const name of [root, `${root}.json`]) await rm(name, { recursive: true, force: true });
});

test('what is offered is found, also where there is nothing yet', async () => {
  for (const topic of [box, `${box}none`, `${box}not/yet/there`]) {
    const { services } = await discover(topic, { fetch: alice.fetch });
    assert.deepEqual(services.map(({ transport }) => transport).filter((one) => one !== 'solid-0.1'), ['websocket'], topic);
    assert.deepEqual(services[0].features, ['accept', 'endAt', 'rate', 'startAt', 'state']);
  }
});

test('a container is listened to, and what comes is read', async () => {
  const { subscription, hears, told } = listening(alice, box, { activityTypes: ['Remove'] });
  await subscription.ready;
  assert.deepEqual([subscription.transport, subscription.resumes], ['websocket', false]);
  await put(alice, `${box}new`);
  await remove(alice, `${box}new`);
  assert.deepEqual(await hears(1), ['Remove new']);
  const { target, published, raw } = told[0];
  assert.deepEqual([target, published.toISOString(), raw.type], [box, raw.published, 'Remove']);
  await subscription.close();
});

test('what it cannot do is said, or done without if that is wished', async () => {
  const { ends } = listening(alice, box, { recursive: true });
  const ending = await ends();
  assert.equal(ending.reason, 'unsupported');
  assert.match(ending.message, /below/);
  const { subscription, hears } = listening(alice, box, { recursive: true, fallback: true });
  await subscription.ready;
  await put(alice, `${box}member`);
  assert.deepEqual(await hears(1), ['Add member']);
  await subscription.close();
  assert.equal((await listening(alice, [box, `${box}old`]).ends()).reason, 'unsupported');
});

test('who may not read is refused', async () => {
  assert.equal((await listening(undefined, box).ends()).reason, 'unauthorized');
});

test('it comes back to a server that was started again, and says that something may be missing', async () => {
  const { subscription, hears, opens, said } = listening(alice, box);
  await subscription.ready;
  await put(alice, `${box}1`);
  await hears(1);
  await css.stop();
  css = await startCss(root, port);
  await opens(2);
  await put(alice, `${box}2`);
  await hears(2);
  assert.deepEqual(said, ['open', 'Add 1', 'waiting', 'open', 'gap cannot-resume', 'Add 2']);
  await subscription.close();
});

test('a channel that was deleted meanwhile is made anew', async () => {
  const sockets = [];
  class Kept extends WebSocket {
    constructor(...all) {
      super(...all);
      sockets.push(this);
    }
  }
  const { subscription, hears, opens } = listening(alice, box, { WebSocket: Kept });
  await subscription.ready;
  const { channel } = subscription;
  await alice.fetch(channel, { method: 'DELETE' });
  sockets[0].terminate();
  // That server opens a socket to say that there is no such channel.
  await until(() => subscription.channel !== channel && subscription.state === 'open', 'there is another');
  await opens(2);
  await put(alice, `${box}anew`);
  assert.deepEqual(await hears(1), ['Add anew']);
  await subscription.close();
});
