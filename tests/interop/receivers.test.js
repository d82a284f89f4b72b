// What is pushed, verified by others' libraries: tokens, HTTP message signatures, Standard Webhooks, Web Push; and the
// receivers of the guide in Node, Python and Rust, which must take what is good and refuse what is not.
import assert from 'node:assert/strict';
import { createECDH, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import ece from 'http_ece';
import { importJWK, jwtVerify } from 'jose';
import { inPython, inRust } from './receivers/programs.js';
import { verifySecret, verifySignature, verifyToken } from './receivers/receiver.js';
import { sign } from './receivers/requests.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OLD = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;
const BODY = '{"@context":["https://www.w3.org/ns/activitystreams"],"type":"Update","object":"https://pod.example/é"}';
const HOOKS = ['https://hook.example/in', 'https://hook.example:8443/in/a%20b/?token=x%20y&z', 'http://[::1]:4000/', 'https://hook.example/in/4'];
const REFUSED = /not the one that was signed|is wrong or missing|Missing required signed fields|expired|too old/i;
const ENDPOINT = 'https://push.example/send/1?x=y';

let signed, browser, auth;
before(async () => {
  browser = createECDH('prime256v1');
  const p256dh = browser.generateKeys('base64url');
  auth = randomBytes(16).toString('base64url');
  const hooks = HOOKS.map((target) => ({ target, body: BODY, secrets: [SECRET, OLD] }));
  const push = { target: ENDPOINT, body: BODY, keys: { auth, p256dh } };
  signed = await sign([...hooks, push, { ...hooks[0], age: 600 }]);
});
after(() => signed?.close());

const hooks = () => signed.requests.slice(0, HOOKS.length);
const pushed = () => signed.requests[HOOKS.length];
const changed = (request, change) => ({ ...request, headers: { ...request.headers }, ...change });

/** One of each way in which a request may not be what was signed. */
const spoilt = () => {
  const [request, other] = hooks();
  const old = signed.requests.at(-1);
  const { signature, 'signature-input': input } = other.headers;
  return {
    age: old,
    body: changed(request, { body: Buffer.from(BODY.replace('Update', 'Delete')) }),
    'body and digest': changed(request, {
      body: Buffer.from('{}'),
      headers: { ...request.headers, 'content-digest': 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:' },
    }),
    method: changed(request, { method: 'PUT' }),
    host: changed(request, { url: request.url.replace('hook.example', 'other.example') }),
    scheme: changed(request, { url: request.url.replace('https', 'http') }),
    path: changed(request, { url: `${request.url}/else` }),
    query: changed(other, { url: other.url.replace('token=x', 'token=y') }),
    'added query': changed(request, { url: `${request.url}?a=b` }),
    type: changed(request, { headers: { ...request.headers, 'content-type': 'text/plain' } }),
    'signature of another': changed(request, { headers: { ...request.headers, signature, 'signature-input': input } }),
  };
};

test('T-K05: the token verifies with @solid/access-token-verifier, for its receiver, once', async () => {
  for (const request of hooks().slice(0, 3)) {
    await verifyToken(request, signed.sender);
    await assert.rejects(verifyToken(request, signed.sender), /jti|identifier/i);
  }
  const fresh = hooks()[3];
  for (const url of ['https://hook.example/in', 'https://other.example/in/4'])
    await assert.rejects(verifyToken({ ...fresh, url }, signed.sender), /htu|URI/i, url);
  await assert.rejects(verifyToken({ ...fresh, method: 'PUT' }, signed.sender), /htm|method/i);
  await assert.rejects(verifyToken(signed.requests.at(-1), signed.sender), /exp|iat|timestamp/);
  await assert.rejects(verifyToken(fresh, 'https://pod.example/.notifications/sender'), /somebody else/);
});

test('T-K14: the HTTP message signature verifies with http-message-signatures (npm)', async () => {
  for (const request of hooks()) await verifySignature(request, signed.sender);
  for (const [what, request] of Object.entries(spoilt()))
    await assert.rejects(verifySignature(request, signed.sender), REFUSED, what);
  await assert.rejects(verifySignature(hooks()[0], 'https://pod.example/.notifications/sender'), /somebody else/);
});

test('the headers of Standard Webhooks verify with standardwebhooks (npm), by either secret', () => {
  for (const request of hooks()) {
    verifySecret(request, SECRET);
    verifySecret(request, OLD);
    assert.throws(() => verifySecret(request, `whsec_${Buffer.alloc(32, 9).toString('base64')}`));
    assert.throws(() => verifySecret(changed(request, { body: Buffer.from('{}') }), SECRET));
  }
  assert.throws(() => verifySecret(signed.requests.at(-1), SECRET), /old/);
});

test('T-P04: Web Push decrypts with http_ece (npm), and its token verifies with jose', async () => {
  const { headers, body } = pushed();
  assert.equal(headers['content-encoding'], 'aes128gcm');
  assert.ok(Number(headers.ttl) > 0);
  const read = ece.decrypt(body, { version: 'aes128gcm', privateKey: browser, authSecret: auth });
  assert.equal(read.toString(), BODY);
  const [, token, key] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization);
  assert.equal(key, signed.vapidPublicKey);
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const jwk = await importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256');
  const { payload } = await jwtVerify(token, jwk, { audience: 'https://push.example' });
  assert.ok(payload.exp - Date.now() / 1000 <= 12 * 3600);
  assert.match(payload.sub, /^(mailto:|https?:)/);
});

for (const [language, program] of Object.entries({ Python: inPython, Rust: inRust })) {
  const receive = (requests) => program(signed.sender, SECRET, requests);
  test(`the receiver in ${language} takes what is good and refuses what is not`, async () => {
    const good = await receive(hooks());
    assert.deepEqual(good, hooks().map(() => ({ signature: 'good', secret: 'good' })));
    const bad = spoilt();
    const told = await receive(Object.values(bad));
    Object.keys(bad).forEach((what, at) => assert.notEqual(told[at].signature, 'good', what));
    for (const what of ['age', 'body']) assert.notEqual(told[Object.keys(bad).indexOf(what)].secret, 'good', what);
  });
}
