// Linked Web Storage: from any resource to the description of its storage, and what that says.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { descriptionOf, describe, readDescription } from './lws/client.js';
import { EVENT_SOURCE, MEDIA_TYPE, several, WEBHOOK, WEBSOCKET } from './lws/terms.js';
import { world } from './lws/world.js';

let here, c, storage;
before(async () => {
  here = await world();
  c = await here.container();
  storage = descriptionOf(await here.bob.fetch(c));
});
after(() => here?.close());

test('T-LWS-01 GET and HEAD of a document and of a container lead to the storage description', async () => {
  for (const resource of [`${c}a`, c]) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await here.bob.fetch(resource, { method });
      assert.equal(answer.status, 200);
      assert.equal(descriptionOf(answer), storage);
    }
  }
  assert.equal((await describe(storage)).storage, storage);
});

test('T-LWS-01 R-LWS-2 so do refusals, also of what is not there', async () => {
  for (const [resource, status] of [[`${c}a`, 401], [`${c}no-such`, 401]]) {
    const answer = await fetch(resource);
    assert.deepEqual([answer.status, descriptionOf(answer)], [status, storage]);
  }
  const missing = await here.bob.fetch(`${c}no-such`);
  assert.deepEqual([missing.status, descriptionOf(missing)], [404, storage]);
});

test('T-LWS-02 the description names its storage, itself, and one notification service with its types', async () => {
  const { types, description, endpoint } = await describe(storage);
  assert.deepEqual([...types].sort(), [EVENT_SOURCE, WEBSOCKET, WEBHOOK].sort());
  assert.equal(new URL(endpoint).origin, new URL(storage).origin);
  const other = { ...description, service: description.service.filter(({ type }) => type !== 'StorageDescription') };
  assert.throws(() => readDescription(other, storage), /names itself/);
  assert.throws(() => readDescription(description, here.root), /found at/);
});

test('T-LWS-02 LW26 R-LWS-21 it publishes the keys that it signs with', async () => {
  const { description } = await describe(storage);
  const methods = several(description.verificationMethod);
  assert.ok(methods.length > 0);
  for (const { id, type, controller, publicKeyJwk } of methods) {
    assert.ok(id.startsWith(`${storage}#`), `absolute, and of this storage: ${id}`);
    assert.deepEqual([type, controller], ['JsonWebKey', storage]);
    assert.deepEqual([publicKeyJwk.kty, publicKeyJwk.crv, publicKeyJwk.d], ['EC', 'P-256', undefined]);
    assert.ok(several(description.authentication).includes(id));
  }
});

test('T-LWS-03 R-LWS-4 its other forms are the same bytes', async () => {
  const read = async (accept) => {
    const answer = await fetch(storage, { headers: accept ? { Accept: accept } : {} });
    assert.equal(answer.status, 200, accept);
    return [answer.headers.get('content-type').split(';')[0], await answer.text()];
  };
  const [type, text] = await read(undefined);
  assert.equal(type, MEDIA_TYPE);
  for (const form of [MEDIA_TYPE, 'application/ld+json', 'application/json']) {
    assert.deepEqual(await read(form), [form, text]);
  }
  const profile = 'application/ld+json; profile="https://www.w3.org/ns/lws/v1"';
  // With the profile it counts as that of LWS, whichever name the answer has.
  const [named, same] = await read(profile);
  assert.ok([MEDIA_TYPE, 'application/ld+json'].includes(named), named);
  assert.equal(same, text);
});

test('T-LWS-04 R-LWS-1 R-LWS-3 anybody reads it at the identifier of the storage, from any origin', async () => {
  const answer = await fetch(storage, { headers: { Origin: 'https://app.example', Accept: MEDIA_TYPE } });
  assert.equal(answer.status, 200);
  assert.ok(['*', 'https://app.example'].includes(answer.headers.get('access-control-allow-origin')));
  assert.equal((await answer.json()).id, storage);
  const etag = answer.headers.get('etag');
  assert.match(etag, /^"/, 'it is a strong one');
  assert.equal((await fetch(storage, { headers: { 'If-None-Match': etag, Accept: MEDIA_TYPE } })).status, 304);
  const head = await fetch(storage, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});
