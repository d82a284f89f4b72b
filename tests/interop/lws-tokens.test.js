// Linked Web Storage: access tokens of an LWS authorization server, and everything that is none.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { authority } from './lws/authority.js';
import { Subscriber } from './lws/client.js';
import { CONTEXT, MEDIA_TYPE, WEBSOCKET } from './lws/terms.js';
import { world } from './lws/world.js';
import { until } from './server.js';

let here, issuer, c, bob;
before(async () => {
  issuer = await authority();
  here = await world({ PODBELL_LWS_AUTHORIZATION_SERVERS: issuer.issuer });
  bob = here.server.users.bob.webid;
  c = await here.container();
});
after(async () => {
  issuer?.close();
  await here?.close();
});

const asks = () => JSON.stringify({ '@context': CONTEXT, type: WEBSOCKET, topic: [c] });

function post(token) {
  const headers = { 'Content-Type': MEDIA_TYPE, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  return fetch(here.bob.lws.endpoint, { method: 'POST', headers, body: asks() });
}

/** The Bearer challenge of an answer: its parameters. */
function challenge(answer) {
  const text = answer.headers.get('www-authenticate') ?? '';
  const [, bearer] = /(?:^|,\s*)Bearer\s+((?:[a-z_]+="[^"]*"(?:,\s*)?)+)/i.exec(text) ?? [];
  return Object.fromEntries([...(bearer ?? '').matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

test('T-LWS-07 R-LWS-13 without a token, the answer says where to get one and for whom', async () => {
  const answer = await post();
  assert.equal(answer.status, 401);
  const { as_uri: as, realm } = challenge(answer);
  assert.equal(as, issuer.issuer);
  assert.ok(URL.canParse(realm), realm);
  assert.match(answer.headers.get('www-authenticate'), /DPoP/, 'the challenge of Solid-OIDC is there too');
});

test('T-LWS-08 LW20 a good token subscribes', async () => {
  const { realm: aud } = challenge(await post());
  const sub = bob;
  const lws = new Subscriber(
    async (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${await issuer.token({ sub, aud })}` } }),
    here.bob.lws,
  );
  const made = await lws.subscribe(WEBSOCKET, c);
  assert.ok((await lws.listed()).includes(made.management));
  assert.equal((await post(await issuer.token({ sub, aud: [aud] }))).status, 200);
  // It says who; what they may is for the storage to say.
  assert.equal((await post(await issuer.token({ sub: here.server.users.eve.webid, aud }))).status, 403);
});

test('T-LWS-08 a token that is not as it must be is none', async () => {
  const { realm: aud } = challenge(await post());
  const [sub, now] = [bob, Math.floor(Date.now() / 1000)];
  const good = { sub, aud };
  assert.equal((await post(await issuer.token(good))).status, 200);
  const part = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
  const wrong = {
    'two audiences': await issuer.token({ ...good, aud: [aud, 'https://other.example/'] }),
    'another audience': await issuer.token({ ...good, aud: 'https://other.example/' }),
    'no audience': await issuer.token({ ...good, aud: undefined }),
    'an empty audience': await issuer.token({ ...good, aud: [] }),
    expired: await issuer.token({ ...good, iat: now - 7200, exp: now - 3600 }),
    'without end': await issuer.token({ ...good, exp: undefined }),
    'issued in the future': await issuer.token({ ...good, iat: now + 3600, exp: now + 7200 }),
    'not yet': await issuer.token({ ...good, nbf: now + 3600 }),
    'another issuer': await issuer.token({ ...good, iss: 'https://other.example' }),
    'no issuer': await issuer.token({ ...good, iss: undefined }),
    'no agent': await issuer.token({ ...good, sub: undefined }),
    'an agent that is no URI': await issuer.token({ ...good, sub: 'bob' }),
    'an unknown key': await issuer.token(good, { key: issuer.stranger }),
    'the name of a key that did not sign it': await issuer.token(good, { key: await issuer.impostor() }),
    nonsense: 'x.y.z',
    unsigned: `${part({ alg: 'none' })}.${part({ iss: issuer.issuer, ...good, iat: now, exp: now + 300 })}.`,
  };
  for (const [what, token] of Object.entries(wrong)) {
    const answer = await post(token);
    assert.equal(answer.status, 401, what);
    assert.equal(challenge(answer).as_uri, issuer.issuer, what);
  }
  assert.ok(!Object.values(wrong).some((token) => here.server.output().includes(token)));
});

test('T-LWS-08 LW20 keys change: what a new one has signed is taken as soon as keys are read again', async () => {
  const { realm: aud } = challenge(await post());
  const token = () => issuer.token({ sub: bob, aud });
  assert.equal((await post(await token())).status, 200);
  const old = await token();
  await issuer.rotate();
  await until(async () => (await post(await token())).status === 200, 'the new key is known', 90);
  assert.equal((await post(old)).status, 200, 'the one before is still published');
});

test('T-LWS-08 a storage without an authorization server takes no such token', async (t) => {
  delete process.env.PODBELL_LWS_AUTHORIZATION_SERVERS;
  const other = await world();
  t.after(() => other.close());
  const headers = { 'Content-Type': MEDIA_TYPE };
  const ask = (more) => fetch(other.bob.lws.endpoint, { method: 'POST', headers: { ...headers, ...more }, body: asks() });
  const answer = await ask({});
  assert.deepEqual([answer.status, challenge(answer).as_uri], [401, undefined]);
  const token = await issuer.token({ sub: other.server.users.bob.webid, aud: other.server.base });
  assert.equal((await ask({ Authorization: `Bearer ${token}` })).status, 401);
});
