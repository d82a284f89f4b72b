// A server that pushes, and those whom it calls: webhooks are taken at their word by the receivers of the guide, before
// and after keys and secrets change; an inbox on Community Solid Server lets the sender in; a push service that
// is not ours hands on what only the browser reads.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createECDH, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import ece from 'http_ece';
import { calculateJwkThumbprint, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { SubscriptionClient } from '@solid-notifications/subscription';
import { Parser, Store } from 'n3';
import { login, logout, put, putAcl, remove, request } from './clients.js';
import { loginAtCss, startCss } from './css.js';
import { listen, says } from './receivers/listening.js';
import { inPython, inRust } from './receivers/programs.js';
import { verifySecret, verifySignature, verifyToken } from './receivers/receiver.js';
import { binary, freePorts, start, until } from './server.js';

const N1 = 'https://www.w3.org/ns/solid/notification/v1';
const N2 = 'https://www.w3.org/ns/solid/notifications-context/v1';
const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
const ISSUER = 'http://www.w3.org/ns/solid/terms#oidcIssuer';
const SECRET = 'urn:podbell:terms#secret';
const JSON_LD = { 'Content-Type': 'application/ld+json' };

let server, alice, bob;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
  bob = await login(server, 'bob');
});
after(async () => {
  await logout(alice, bob);
  await server?.stop();
});

const topicOf = (name) => `${server.users.alice.root}pushed/${name}`;
const senderOf = () => `${server.base}.notifications/sender`;
const graph = async (url) => {
  const answer = await request(null, 'GET', url, undefined, { Accept: 'text/turtle' });
  return new Store(new Parser({ baseIRI: url }).parse(answer.body_text));
};

async function subscribe(session, type, wish) {
  const answer = await request(session, 'POST', `${server.base}.notifications/${type}/`, JSON.stringify({ '@context': [N1], type, ...wish }), JSON_LD);
  return { status: answer.status, location: answer.headers.get('location'), ...JSON.parse(answer.body_text) };
}
const ask = async (session, method, url, body) => JSON.parse((await request(session, method, url, body && JSON.stringify(body), body && { 'Content-Type': 'application/json' })).body_text);

/** Runs `podbell sender …` beside the server: `[kid, purpose, whether it signs]` of each key that is published. */
async function keys(...words) {
  const { stdout } = await promisify(execFile)(binary, ['sender', ...words, '--data', server.data, '--base-url', server.base]);
  return [...stdout.matchAll(/^key +(\S+) +(.+?)( \(published only\))?$/gm)].map(([, kid, purpose, only]) => [kid, purpose, !only]);
}

const keyOf = ({ headers }) => /;keyid="([^"]*)"/.exec(headers['signature-input'])[1];
/** As somebody does who has read nothing before. */
async function verifiesAnew(request) {
  verifyToken.verifier = undefined;
  await verifyToken(request, senderOf());
  await verifySignature(request, senderOf());
}

describe('webhooks', () => {
  let hook;
  before(async () => (hook = await listen()));
  after(() => hook.close());
  const rung = async (topic, change = put) => {
    const count = hook.arrived.length + 1;
    await change(alice, topic);
    return (await hook.arrives(count))[count - 1];
  };

  test('T-K01 T-K04 T-K05 T-K06 T-K07 T-K14 what arrives is what the sender of the channel sent, by others\' libraries', async () => {
    const topic = topicOf('verified');
    const channel = await subscribe(alice, 'WebhookChannel2023', { topic, sendTo: hook.url('/in/a%20b?for=alice&x') });
    assert.equal(channel.sender, senderOf());
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
    const [issuer, ...others] = (await graph(webid)).getObjects(channel.sender, ISSUER, null);
    assert.deepEqual([webid, issuer.value, others], [channel.sender, iss, []]);
    const configuration = await ask(null, 'GET', `${iss}/.well-known/openid-configuration`);
    assert.equal(configuration.issuer, iss);
    const { protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(configuration.jwks_uri)), { issuer: iss });
    assert.ok(protectedHeader.kid);
    assert.ok([aud].flat().includes(new URL(channel.sendTo).origin));
    assert.equal(cnf.jkt, await calculateJwkThumbprint(decodeProtectedHeader(hook.arrived.at(-1).headers.dpop).jwk));
    // The storage description names the same sender, the same issuer and the same key.
    const description = await graph(`${server.users.alice.root}.well-known/solid`);
    assert.ok(description.countQuads(null, `${NOTIFY}sender`, channel.sender, null) > 0);
    assert.ok(description.countQuads(null, null, keyOf(hook.arrived.at(-1)), null) > 0);
  });

  test('keys change without a gap; at once, if somebody else may have them', async () => {
    const topic = topicOf('keys');
    await subscribe(alice, 'WebhookChannel2023', { topic, sendTo: hook.url('/keys') });
    const first = await rung(topic);
    await verifiesAnew(first);
    const signing = async (words, purpose) => (await keys(...words)).find(([, of, signs]) => of === purpose && signs)[0];
    const [before, vapid] = [await keys('show'), (await service('WebPushChannel2023')).vapidPublicKey];
    // What follows is published and does not sign yet, so whoever keeps keys for a while misses nothing.
    const announced = await keys('rotate');
    assert.equal(announced.filter(([, , signs]) => !signs).length, 2, JSON.stringify(announced));
    assert.deepEqual(announced.filter(([, , signs]) => signs), before);
    const second = await rung(topic);
    assert.equal(keyOf(second), keyOf(first));
    await verifySignature(first, senderOf());
    await verifiesAnew(second);
    const at_once = await keys('rotate', '--now');
    assert.ok(at_once.every(([kid, purpose]) => /push|vapid/i.test(purpose) || !before.some(([old]) => old === kid)), JSON.stringify(at_once));
    const third = await rung(topic);
    assert.notEqual(keyOf(third), keyOf(first));
    // The receiver keeps the document of before, and reads it again for the key that is not there.
    await verifySignature(third, senderOf());
    await verifiesAnew(third);
    assert.equal(await signing(['show'], 'http-signature'), keyOf(third).split('#')[1]);
    assert.equal((await service('WebPushChannel2023')).vapidPublicKey, vapid);
  });

  test('a secret changes while both are good; the one before that is not', async () => {
    const topic = topicOf('secret');
    const channel = await subscribe(alice, 'WebhookChannel2023', { topic, sendTo: hook.url('/secret'), secret: true });
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
    const channel = await subscribe(alice, 'WebhookChannel2023', { topic, sendTo: hook.url('/programs?x=y%20z'), secret: true });
    const calls = [await rung(topic), await rung(topic), await rung(topic, remove)];
    const spoilt = { ...calls[0], body: Buffer.from(calls[0].body.toString().replace('Create', 'Update')) };
    for (const receive of [inPython, inRust]) {
      const told = await receive(channel.sender, channel[SECRET], [...calls, spoilt]);
      assert.deepEqual(told.slice(0, 3), calls.map(() => ({ signature: 'good', secret: 'good' })));
      assert.ok(told[3].signature !== 'good' && told[3].secret !== 'good', JSON.stringify(told[3]));
    }
  });

  test('T-K08 R-WH-7 a message that is tried again has the same id, and is signed anew', async (t) => {
    let refuse = 1;
    const slow = await listen(() => (refuse-- > 0 ? 500 : 204));
    t.after(() => slow.close());
    const topic = topicOf('again');
    const channel = await subscribe(alice, 'WebhookChannel2023', { topic, sendTo: slow.url('/'), secret: true });
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
});

const service = (type) => ask(null, 'GET', `${server.base}.notifications/${type}/`);

describe('inboxes', () => {
  test('T-L01 T-L02 R-LDN-2 an inbox on Community Solid Server that only the sender may add to', async (t) => {
    const [port, directory] = [await freePorts(), await mkdtemp(path.join(tmpdir(), 'podbell-inbox-'))];
    const css = await startCss(path.join(directory, 'css'), port);
    let owner;
    t.after(async () => {
      await logout(owner);
      await css.stop();
      await rm(directory, { recursive: true, force: true });
    });
    owner = await loginAtCss(css);
    const [inbox, closed] = [`${css.pod}inbox/`, `${css.pod}closed/`];
    const topic = topicOf('told-elsewhere');
    await put(owner, inbox, '');
    await put(owner, closed, '');
    await putAcl(owner, inbox, css.webid, [senderOf()], 'acl:Append');
    await putAcl(owner, closed, css.webid, []);
    const channel = await subscribe(alice, 'LDNChannel2023', { topic, sendTo: inbox });
    assert.deepEqual([channel.status, channel.location, channel.sender], [201, channel.id, senderOf()]);
    const refused = await subscribe(alice, 'LDNChannel2023', { topic, sendTo: closed });
    await put(alice, topic);
    const members = async (of) => {
      const { body_text } = await request(owner, 'GET', of, undefined, { Accept: 'text/turtle' });
      return new Store(new Parser({ baseIRI: of }).parse(body_text)).getObjects(of, 'http://www.w3.org/ns/ldp#contains', null).map(({ value }) => value);
    };
    const [member] = await until(async () => ((found) => found.length && found)(await members(inbox)), 'the inbox has a member', 30);
    const told = JSON.parse((await request(owner, 'GET', member, undefined, { Accept: 'application/ld+json' })).body_text);
    assert.ok(JSON.stringify(told).includes(topic), JSON.stringify(told));
    const health = await until(async () => {
      const channel = await ask(alice, 'GET', refused.id);
      return channel['urn:podbell:terms#lastFailureReason'] && channel;
    }, 'the inbox that is closed has refused', 30);
    assert.equal(health['urn:podbell:terms#lastFailureReason'], 'refused with 403');
    assert.deepEqual(await members(closed), []);
  });

  test('R-LDN-3 an inbox of this server is written to as the sender, as far as its rules let it', async () => {
    const inbox = `${server.users.bob.root}inbox/`;
    const topic = topicOf('told-here');
    await put(bob, inbox, '');
    await putAcl(bob, inbox, server.users.bob.webid, []);
    const channel = await subscribe(alice, 'LDNChannel2023', { topic, sendTo: inbox });
    await put(alice, topic);
    await until(async () => (await ask(alice, 'GET', channel.id))['urn:podbell:terms#lastFailureReason'] === 'refused with 403', 'it is refused');
    await putAcl(bob, inbox, server.users.bob.webid, [senderOf()], 'acl:Append');
    // What was refused comes again by itself.
    const [member] = await until(async () => {
      const { body_text } = await request(bob, 'GET', inbox, undefined, { Accept: 'text/turtle' });
      const found = new Store(new Parser({ baseIRI: inbox }).parse(body_text)).getObjects(inbox, 'http://www.w3.org/ns/ldp#contains', null);
      return found.length > 0 && found;
    }, 'the inbox has a member', 30);
    const told = await request(bob, 'GET', member.value, undefined, { Accept: 'application/ld+json' });
    assert.ok(told.body_text.includes(topic), told.body_text);
    await request(alice, 'GET', member.value, undefined, {}, /^403$/);
  });
});

describe('Web Push', () => {
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
    const { id, vapidPublicKey } = await service('WebPushChannel2023');
    const point = Buffer.from(vapidPublicKey, 'base64url');
    assert.deepEqual([point.length, point[0]], [65, 4]);
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
    const key = await importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256');
    for (const [at, context] of [[N2, { notify: NOTIFY }], [N2]].entries()) {
      const subscription = browser(push.url(`/send/${at}`));
      const answer = await alice.fetch(id, { method: 'POST', headers: JSON_LD, body: JSON.stringify(asked(subscription, topic, context)) });
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
    }
  });

  test('T-P05 R-WP-1 a subscription that the push service does not know any longer ends the channel', async (t) => {
    const push = await listen(({ url }) => Number(url.slice(-3)));
    t.after(() => push.close());
    const topic = topicOf('unsubscribed');
    for (const gone of [404, 410]) {
      const channel = await subscribe(alice, 'WebPushChannel2023', asked(browser(push.url(`/${gone}`)), topic, [N2]));
      const count = push.arrived.length + 1;
      await put(alice, topic);
      await push.arrives(count);
      await until(async () => [404, 410].includes((await alice.fetch(channel.id)).status), 'the channel has ended');
      await put(alice, topic);
    }
    assert.equal(push.arrived.length, 2);
  });
});
