// Web Push from a running server, by the requests of SAI: a push service that is not ours hands on what only the browser
// reads, decrypted and verified by others' libraries.
import assert from 'node:assert/strict';
import { createECDH, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import ece from 'http_ece';
import { importJWK, jwtVerify } from 'jose';
import { login, logout, put } from './clients.js';
import { listen } from './receivers/listening.js';
import { ask, N2, NOTIFY, service, subscribe } from './receivers/subscribing.js';
import { podbell, start, until } from './server.js';

let server, alice;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
});
after(async () => {
  await logout(alice);
  await server?.stop();
});

const topicOf = (name) => `${server.users.alice.root}pushed/${name}`;

/** A browser's subscription: what its push service gets, only it can read. */
function browser(endpoint) {
  const keys = createECDH('prime256v1');
  const [p256dh, secret] = [keys.generateKeys('base64url'), randomBytes(16)];
  const read = ({ body }) => ece.decrypt(body, { version: 'aes128gcm', privateKey: keys, authSecret: secret });
  return { endpoint, keys: { auth: secret.toString('base64url'), p256dh }, read };
}

/** The request of SAI's clients. */
const asked = ({ endpoint, keys }, topic, context) => ({
  '@context': context,
  type: 'notify:WebPushChannel2023',
  topic,
  sendTo: endpoint,
  'notify:keys': { 'notify:auth': keys.auth, 'notify:p256dh': keys.p256dh },
});

test('T-P01 T-P03 T-P04 R-WP-2 R-WP-5 the request of SAI, a push service in between, and a browser that reads', async (t) => {
  const push = await listen(() => 201);
  t.after(() => push.close());
  const topic = topicOf('sai');
  const { id, vapidPublicKey } = await ask(null, 'GET', service(server, 'WebPushChannel2023'));
  const point = Buffer.from(vapidPublicKey, 'base64url');
  assert.deepEqual([point.length, point[0]], [65, 4]);
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const key = await importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256');
  for (const [at, context] of [[N2, { notify: NOTIFY }], [N2]].entries()) {
    const subscription = browser(push.url(`/send/${at}`));
    const answer = await alice.fetch(id, { method: 'POST', headers: { 'Content-Type': 'application/ld+json' }, body: JSON.stringify(asked(subscription, topic, context)) });
    assert.equal(answer.status, 201);
    const channel = await answer.json();
    assert.equal(answer.headers.get('location'), channel.id);
    const count = push.arrived.length + 1;
    await put(alice, topic);
    const call = (await push.arrives(count)).at(-1);
    const { headers } = call;
    assert.deepEqual([call.method, call.url, headers['content-encoding']], ['POST', subscription.endpoint, 'aes128gcm']);
    assert.ok(Number(headers.ttl) > 0 && call.body.length <= 4096);
    const told = JSON.parse(subscription.read(call));
    assert.deepEqual([told.type, told.object], [at ? 'Update' : 'Create', topic]);
    assert.throws(() => browser('').read(call), 'another browser');
    const [, token, named] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization);
    assert.equal(named, vapidPublicKey);
    const { payload } = await jwtVerify(token, key, { audience: new URL(push.url('/')).origin });
    assert.ok(payload.exp > Date.now() / 1000 && payload.exp - Date.now() / 1000 <= 24 * 3600);
    assert.ok(!('dpop' in headers) && !('signature' in headers), 'the push service learns nothing else of the sender');
    assert.ok((await alice.fetch(channel.id, { method: 'DELETE' })).ok);
    // Browsers are bound to that key: it stays when all others change.
    await podbell(server, 'sender', 'rotate', '--now');
  }
});

test('T-P05 R-WP-1 a subscription that the push service does not know any longer ends the channel', async (t) => {
  const push = await listen(({ url }) => Number(url.slice(-3)));
  t.after(() => push.close());
  const topic = topicOf('unsubscribed');
  for (const gone of [404, 410]) {
    const channel = await subscribe(alice, server, 'WebPushChannel2023', asked(browser(push.url(`/${gone}`)), topic, [N2]));
    const count = push.arrived.length + 1;
    await put(alice, topic);
    await push.arrives(count);
    await until(async () => [404, 410].includes((await alice.fetch(channel.id)).status), 'the channel has ended');
    await put(alice, topic);
  }
  assert.equal(push.arrived.length, 2);
});
