// Webhooks of a running server, taken at their word by the receivers of the guide in Node, Python and Rust, which are built
// on others' libraries; also when keys and secrets have changed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { calculateJwkThumbprint, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { SubscriptionClient } from '@solid-notifications/subscription';
import { login, logout, put, remove, request } from './clients.js';
import { listen, says } from './receivers/listening.js';
import { inPython, inRust } from './receivers/programs.js';
import { verifySecret, verifySignature, verifyToken } from './receivers/receiver.js';
import { ask, graph, NOTIFY, senderOf, service, subscribe, TERMS } from './receivers/subscribing.js';
import { freePorts, podbell, start, until } from './server.js';

const JWK = 'https://w3id.org/security#publicKeyJwk';
const ISSUER = 'http://www.w3.org/ns/solid/terms#oidcIssuer';
const SECRET = `${TERMS}secret`;

let server, alice, hook;
before(async () => {
  server = await start();
  hook = await listen();
  alice = await login(server, 'alice');
});
after(async () => {
  hook?.close();
  await logout(alice);
  await server?.stop();
});

const topicOf = (name) => `${server.users.alice.root}pushed/${name}`;
const vapidKey = async () => (await ask(null, 'GET', service(server, 'WebPushChannel2023'))).vapidPublicKey;

/** Runs `podbell sender …` beside the server: `[kid, purpose, whether it signs]` of each key that is published. */
async function keys(...words) {
  const told = await podbell(server, 'sender', ...words);
  const waits = /published only|from|signed/;
  return [...told.matchAll(/^key +(\S+) +([a-z-]+)(.*)$/gm)].map(([, kid, purpose, more]) => [kid, purpose, !waits.test(more)]);
}

const keyOf = ({ headers }) => /;keyid="([^"]*)"/.exec(headers['signature-input'])[1];
/** By the key of the document that is kept, and by a token whose issuer nothing is known of yet. */
async function verifiesAnew(request) {
  verifyToken.verifier = undefined;
  await verifyToken(request, senderOf(server));
  await verifySignature(request, senderOf(server));
}

const rung = async (topic, change = put) => {
  const count = hook.arrived.length + 1;
  await change(alice, topic);
  return (await hook.arrives(count))[count - 1];
};

test('T-K01 T-K04 T-K05 T-K06 T-K07 T-K14 what arrives is what the sender of the channel sent, by others\' libraries', async () => {
  const topic = topicOf('verified');
  const channel = await subscribe(alice, server, 'WebhookChannel2023', { topic, sendTo: hook.url('/in/a%20b?for=alice&x') });
  assert.equal(channel.sender, senderOf(server));
  const seen = new Set();
  for (const [type, change] of [['Create', put], ['Update', put], ['Delete', remove]]) {
    const call = await rung(topic, change);
    assert.deepEqual([call.method, call.headers['content-type'], call.url], ['POST', 'application/ld+json', channel.sendTo]);
    assert.deepEqual(says(call), [type, topic]);
    await verifySignature(call, channel.sender);
    await verifyToken(call, channel.sender);
    await assert.rejects(verifyToken(call, channel.sender), /jti|identifier/i, 'a proof is good once');
    const [head, proof] = [decodeProtectedHeader(call.headers.dpop), decodeJwt(call.headers.dpop)];
    assert.deepEqual([head.typ, proof.htm, proof.htu], ['dpop+jwt', 'POST', hook.url('/in/a%20b')]);
    assert.ok(Math.abs(proof.iat - Date.now() / 1000) < 60, `seconds: ${proof.iat}`);
    assert.ok(!seen.has(proof.jti) && seen.add(proof.jti));
    assert.deepEqual([hook.arrived.at(-1).headers['webhook-id'], SECRET in channel], [undefined, false]);
  }
  const token = hook.arrived.at(-1).headers.authorization.replace('DPoP ', '');
  const { iss, webid, aud, cnf } = decodeJwt(token);
  const [issuer, ...others] = (await graph(null, webid)).getObjects(channel.sender, ISSUER, null);
  assert.deepEqual([webid, issuer.value, others], [channel.sender, iss, []]);
  const configuration = await ask(null, 'GET', `${iss}/.well-known/openid-configuration`);
  assert.equal(configuration.issuer, iss);
  const { protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(configuration.jwks_uri)), { issuer: iss });
  assert.ok(protectedHeader.kid);
  assert.ok([aud].flat().includes(new URL(channel.sendTo).origin));
  assert.equal(cnf.jkt, await calculateJwkThumbprint(decodeProtectedHeader(hook.arrived.at(-1).headers.dpop).jwk));
  // The storage description names the same sender, and tells the same key.
  const described = await graph(null, `${server.users.alice.root}.well-known/solid`);
  assert.ok(described.countQuads(null, `${NOTIFY}sender`, channel.sender, null) > 0);
  const keyid = keyOf(hook.arrived.at(-1));
  const jwk = (store) => store.getObjects(keyid, JWK, null).map(({ value }) => JSON.parse(value));
  assert.equal(jwk(described).length, 1);
  assert.deepEqual(jwk(described), jwk(await graph(null, channel.sender)));
});

test('keys change without a gap; at once, if somebody else may have them', async () => {
  const topic = topicOf('keys');
  await subscribe(alice, server, 'WebhookChannel2023', { topic, sendTo: hook.url('/keys') });
  const first = await rung(topic);
  await verifiesAnew(first);
  const [before, vapid] = [await keys('show'), await vapidKey()];
  // What follows is published and does not sign yet, so whoever keeps keys for a while misses nothing.
  const announced = await keys('rotate');
  assert.equal(announced.filter(([, , signs]) => !signs).length, 2, JSON.stringify(announced));
  assert.deepEqual(announced.filter(([, , signs]) => signs), before);
  const second = await rung(topic);
  assert.equal(keyOf(second), keyOf(first));
  await verifySignature(first, senderOf(server));
  await verifiesAnew(second);
  const atOnce = await keys('rotate', '--now');
  const stays = ([kid]) => before.some(([old]) => old === kid);
  assert.deepEqual(atOnce.filter(stays).map(([, purpose]) => purpose), ['vapid']);
  const third = await rung(topic);
  assert.notEqual(keyOf(third), keyOf(first));
  // The receiver keeps the document of before, and reads it again for the key that is not there.
  await verifySignature(third, senderOf(server));
  await verifiesAnew(third);
  const [signing] = (await keys('show')).find(([, purpose, signs]) => purpose === 'http-signature' && signs);
  assert.equal(signing, keyOf(third).split('#')[1]);
  assert.equal(await vapidKey(), vapid);
});

test('a secret changes while both are good; the one before that is not', async () => {
  const topic = topicOf('secret');
  const channel = await subscribe(alice, server, 'WebhookChannel2023', { topic, sendTo: hook.url('/secret'), secret: true });
  const first = channel[SECRET];
  const good = (call, secrets) => secrets.forEach((secret) => verifySecret(call, secret));
  good(await rung(topic), [first]);
  const { secret: second, previousUntil } = await ask(alice, 'POST', `${channel.id}/secret`);
  const left = new Date(previousUntil) - Date.now();
  assert.ok(left > 23 * 3_600_000 && left < 25 * 3_600_000, previousUntil);
  good(await rung(topic), [first, second]);
  const own = `whsec_${randomBytes(32).toString('base64')}`;
  assert.equal((await ask(alice, 'POST', `${channel.id}/secret`, { secret: own })).secret, own);
  const call = await rung(topic);
  good(call, [second, own]);
  assert.throws(() => verifySecret(call, first));
  // It is shown once.
  assert.ok(!(await request(alice, 'GET', channel.id)).body_text.includes('whsec_'));
});

test('the receivers in Python and Rust take what a server sends, and nothing that was changed on the way', async () => {
  const topic = topicOf('programs');
  const channel = await subscribe(alice, server, 'WebhookChannel2023', { topic, sendTo: hook.url('/programs?x=y%20z'), secret: true });
  const calls = [await rung(topic)];
  await keys('rotate');
  await ask(alice, 'POST', `${channel.id}/secret`);
  calls.push(await rung(topic), await rung(topic, remove));
  const spoilt = { ...calls[0], body: Buffer.from(calls[0].body.toString().replace('Create', 'Update')) };
  for (const receive of [inPython, inRust]) {
    const told = await receive(channel.sender, channel[SECRET], [...calls, spoilt]);
    assert.deepEqual(told.slice(0, 3), calls.map(() => ({ signature: 'good', secret: 'good' })));
    assert.ok(told[3].signature !== 'good' && told[3].secret !== 'good', JSON.stringify(told[3]));
  }
});

test('the receiver that runs prints what the sender tells, once, and refuses everybody else', async (t) => {
  const sendTo = `http://localhost:${await freePorts()}/in?for=alice`;
  const program = fileURLToPath(new URL('receivers/serve.js', import.meta.url));
  const running = spawn(process.execPath, [program, senderOf(server), sendTo], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => running.kill());
  const said = { stdout: '', stderr: '' };
  for (const way of ['stdout', 'stderr']) running[way].on('data', (part) => (said[way] += part));
  const post = (init) => fetch(sendTo, { method: 'POST', ...init }).then(({ status }) => status, () => undefined);
  await until(async () => (await post({ body: '{}' })) === 401, 'it refuses what nobody signed');
  // What was signed for another receiver is not for this one; nor what was changed, nor what does not end.
  const topic = topicOf('runs');
  const other = await subscribe(alice, server, 'WebhookChannel2023', { topic, sendTo: hook.url('/other?for=alice') });
  const { headers, body } = await rung(topic);
  const { host, connection, 'content-length': length, ...given } = headers;
  assert.equal(await post({ headers: given, body }), 401);
  assert.ok([413, undefined].includes(await post({ headers: given, body: Buffer.alloc(1_000_000) })));
  await request(alice, 'DELETE', other.id);
  const channel = await subscribe(alice, server, 'WebhookChannel2023', { topic, sendTo });
  await put(alice, topic);
  await until(async () => {
    const { attempt } = await ask(alice, 'GET', `${channel.id}/attempts`);
    return attempt[0]?.status === 204;
  }, 'it has taken it');
  await until(() => said.stdout, 'it has said so');
  assert.equal(said.stdout, `Update ${topic}\n`);
  assert.match(said.stderr, /^(refused: .*\n)+$/);
});

test('T-K08 R-WH-7 a message that is tried again has the same id, and is signed anew', async (t) => {
  let refuse = 1;
  const slow = await listen(() => (refuse-- > 0 ? 500 : 204));
  t.after(() => slow.close());
  const topic = topicOf('again');
  const channel = await subscribe(alice, server, 'WebhookChannel2023', { topic, sendTo: slow.url('/'), secret: true });
  await put(alice, topic);
  const [one, two] = await slow.arrives(2);
  assert.deepEqual(one.body, two.body);
  assert.equal(one.headers['webhook-id'], two.headers['webhook-id']);
  assert.equal(one.headers['webhook-id'], JSON.parse(one.body).id);
  for (const call of [one, two]) {
    verifySecret(call, channel[SECRET]);
    await verifiesAnew(call);
  }
  const attempts = await until(async () => {
    const { attempt } = await ask(alice, 'GET', `${channel.id}/attempts`);
    return attempt.length === 2 && attempt;
  }, 'both attempts are listed');
  assert.deepEqual(attempts.map(({ outcome, status }) => [outcome, status]), [['acknowledged', 204], ['refused', 500]]);
  assert.deepEqual(new Set(attempts.map(({ message }) => message)), new Set([JSON.parse(one.body).id]));
});

test('@solid-notifications/subscription asks in Turtle, for a receiver of its own', async () => {
  const topic = topicOf('turtle');
  await put(alice, topic);
  const sendTo = hook.url('/turtle');
  const channel = await new SubscriptionClient(alice.fetch).subscribe(topic, `${NOTIFY}WebhookChannel2023`, sendTo);
  assert.deepEqual([channel.type, channel.topic, channel.sendTo], [`${NOTIFY}WebhookChannel2023`, topic, sendTo]);
  const call = await rung(topic);
  assert.deepEqual(says(call), ['Update', topic]);
  await verifiesAnew(call);
  await request(alice, 'DELETE', channel.id, undefined, {}, /^204$/);
});
