// How what @podbell/client listens to ends, and that it is told from a cut: nobody who is refused comes again.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { OPTIONS, listening } from './client.js';
import { login, logout, put, putAcl, request } from './clients.js';
import { start, until } from './server.js';

const CHANNELS = ['websocket', 'eventsource', 'streaming'];
const LIFE = 4;

let server, alice, bob, box;
before(async () => {
  // Also of the server that is started again after a crash.
  process.env.PODBELL_LIMITS_CHANNEL_LIFE = `${LIFE}s`;
  server = await start();
  [alice, bob] = await Promise.all([login(server, 'alice'), login(server, 'bob')]);
});
after(async () => {
  await logout(alice, bob);
  await server?.stop();
});
let boxes = 0;
beforeEach(async () => {
  box = `${server.users.alice.root}ending-${boxes++}/`;
  await put(alice, box, '');
  await putAcl(alice, box, server.users.alice.webid, [server.users.bob.webid]);
});

for (const transport of [...CHANNELS, 'ess', 'solid-0.1']) {
  test(`${transport}: who may not read any more is told so, and not what happens then`, async () => {
    const { subscription, ends, heard } = listening(bob, box, { transports: [transport] });
    await subscription.ready;
    await putAcl(alice, box, server.users.alice.webid, []);
    await put(alice, `${box}secret`);
    const { reason, message } = await ends();
    assert.deepEqual([reason, heard()], ['unauthorized', []]);
    assert.ok(message);
  });

  test(`${transport}: nor does whoever lost it during a cut come back`, async () => {
    let cut = false;
    const fetch = async (url, init) => {
      if (cut) throw new TypeError('no network');
      return bob.fetch(url, init);
    };
    const { subscription, ends, said } = listening({ fetch }, box, { transports: [transport] });
    await subscription.ready;
    cut = true;
    await server.crash();
    await until(() => subscription.state === 'waiting', 'it waits');
    await putAcl(alice, box, server.users.alice.webid, []);
    cut = false;
    assert.equal((await ends()).reason, 'unauthorized');
    assert.deepEqual(said.filter((one) => one.startsWith('gap')).slice(1), []);
  });
}

for (const transport of CHANNELS) {
  test(`${transport}: what the owner of the storage ends stays ended`, async () => {
    const { subscription, ends } = listening(bob, box, { transports: [transport] });
    await subscription.ready;
    await request(alice, 'DELETE', subscription.channel);
    assert.equal((await ends()).reason, 'gone');
  });

  test(`${transport}: a channel that ends soon is prolonged, and nothing is missed`, async () => {
    let renewed = 0;
    const fetch = async (url, init) => {
      const answer = await bob.fetch(url, init);
      if (init?.method === 'POST' && /\/channels\//.test(url) && answer.ok) renewed += 1;
      return answer;
    };
    const { subscription, gaps, hears } = listening({ fetch }, box, { transports: [transport] });
    await subscription.ready;
    const { channel } = subscription;
    await until(() => renewed === 1, 'it is prolonged');
    await put(alice, `${box}later`);
    assert.deepEqual(await hears(1), ['Add later']);
    assert.deepEqual([subscription.channel, gaps()], [channel, []]);
    await subscription.close();
  });

  test(`${transport}: where it cannot be prolonged, another is made, and nothing is missed`, async () => {
    const fetch = (url, init) => (init?.method === 'POST' && /\/channels\//.test(url) ? Promise.resolve(new Response('', { status: 405 })) : bob.fetch(url, init));
    const { subscription, gaps, hears, opens } = listening({ fetch }, box, { transports: [transport] });
    await subscription.ready;
    const { channel } = subscription;
    await put(alice, `${box}1`);
    await opens(2);
    await put(alice, `${box}2`);
    assert.deepEqual(await hears(2), ['Add 1', 'Add 2']);
    assert.notEqual(subscription.channel, channel);
    assert.deepEqual(gaps(), []);
    await subscription.close();
  });
}

test('what was asked for until a time ends then', async () => {
  for (const transport of CHANNELS) {
    const { ends, subscription } = listening(bob, box, { transports: [transport], endAt: new Date(Date.now() + 1500) });
    await subscription.ready;
    assert.equal((await ends()).reason, 'expired', transport);
  }
});

test('who may not read is refused at once, in plain words', async () => {
  await putAcl(alice, box, server.users.alice.webid, []);
  for (const [session, words, code] of [[bob, /ask its owner/, 403], [undefined, /[Ll]og in/, 401]]) {
    const { ends, subscription } = listening(session, box);
    await assert.rejects(subscription.ready, { reason: 'unauthorized' });
    const ending = await ends();
    assert.match(ending.message, words);
    assert.deepEqual([ending.reason, ending.code], ['unauthorized', code]);
  }
});

test('where nothing says how to listen, that is said', async () => {
  const plain = http.createServer((_, answer) => answer.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>'));
  await new Promise((resolve) => plain.listen(0, 'localhost', resolve));
  const { ends } = listening(undefined, `http://localhost:${plain.address().port}/a/b`);
  const ending = await ends();
  plain.close();
  assert.equal(ending.reason, 'unsupported');
  assert.match(ending.message, /is it a Solid server/);
});

test('a server that is not there is waited for, and one that is too busy is given the time it asks for', async () => {
  let busy = 2;
  const asked = [];
  const fetch = (url, init) => {
    if (init?.method !== 'POST') return bob.fetch(url, init);
    asked.push(Date.now());
    busy -= 1;
    if (busy === 1) return Promise.reject(new TypeError('no network'));
    return busy === 0 ? Promise.resolve(new Response('{"detail":"busy"}', { status: 503, headers: { 'Retry-After': '1' } })) : bob.fetch(url, init);
  };
  const { subscription } = listening({ fetch }, box);
  await until(() => subscription.problem?.includes('503, busy'), 'it says what is wrong');
  assert.ok(subscription.retryAt > new Date());
  await subscription.ready;
  assert.equal(subscription.problem, undefined);
  assert.ok(asked[2] - asked[1] >= 990, String(asked[2] - asked[1]));
  await subscription.close();
});

test('an abort ends it wherever it is, and leaves no channel behind', async () => {
  const listed = async () => (await request(bob, 'GET', `${server.base}.notifications/channels/`, undefined, { Accept: 'application/ld+json' })).body_text;
  const already = AbortSignal.abort();
  assert.equal((await listening(bob, box, { signal: already }).ends()).reason, 'closed');
  const control = new AbortController();
  const fetch = async (url, init) => {
    const answer = await bob.fetch(url, init);
    // As the channel is made.
    if (init?.method === 'POST') control.abort();
    return answer;
  };
  const { ends, subscription } = listening({ fetch }, box, { signal: control.signal, ...OPTIONS });
  assert.equal((await ends()).reason, 'closed');
  await assert.rejects(subscription.ready);
  await until(async () => !(await listed()).includes(box), 'it is deleted');
});
