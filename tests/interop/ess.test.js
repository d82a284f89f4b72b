// The published client of ESS, all ways: `@inrupt/solid-client-notifications` 3.0.1 over `@inrupt/solid-client` 2 and
// over 3, and 0.2.0. What needs no client is tried by the server's own tests; each case of the reference is named.
import { SubscriptionClient } from '@solid-notifications/subscription';
import * as solidClient from '@inrupt/solid-client';
import { BadRequestError, ForbiddenError, UnauthorizedError } from '@inrupt/solid-client-errors';
import * as on2 from '@inrupt/solid-client-notifications';
import * as on3 from 'solid-client-notifications-on-3';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { login, logout, people, put, putAcl, remove, request, WEBSOCKET_2023 } from './clients.js';
import { startAt, until } from './server.js';

const require = createRequire(import.meta.url);
const LIBRARIES = { '@inrupt/solid-client 2.x': on2, '@inrupt/solid-client 3.x': on3 };

const { server, alice, bob } = await people();

const inAlice = (path) => server.users.alice.root + path;

/** The client with what it has said so far: what happened, in its order. */
function listener({ WebsocketNotification }, topic, options) {
  const client = new WebsocketNotification(topic, options);
  const said = { heard: [], events: [] };
  for (const event of ['connected', 'closed', 'error']) client.on(event, () => said.events.push(event));
  client.on('message', (message) => said.heard.push(message));
  return Object.assign(client, said);
}

async function connected(library, topic, options) {
  const client = listener(library, topic, options);
  await client.connect();
  await until(() => client.events.length, 'it is connected');
  assert.deepEqual([client.events, client.status], [['connected'], 'connected']);
  return client;
}

/** Ends it, and waits until it has ended. */
async function disconnected(client) {
  client.disconnect();
  await until(() => client.events.at(-1) === 'closed', 'it is closed', 1);
}

const kinds = (client) => client.heard.map(({ type, object }) => `${type[1]} ${new URL(object.id).pathname}`);

/** That it hears a change of a document and nothing before. */
async function hears(client, session, topic) {
  const before = client.heard.length;
  await put(session, topic);
  await until(() => client.heard.length > before, 'the change is heard');
  assert.equal(client.heard.at(-1).object.id, topic);
}

/** A fetch that writes down where it was sent. */
function watched(session) {
  const requests = [];
  const fetch = (url, init) => {
    requests.push(`${init?.method ?? 'GET'} ${new URL(url).pathname}`);
    return session.fetch(url, init);
  };
  return { requests, fetch };
}

for (const [name, library] of Object.entries(LIBRARIES)) {
  describe(`over ${name}`, () => {
    test('ESS-47 it is that version', async () => {
      const entry = createRequire(require.resolve(library === on2 ? '@inrupt/solid-client-notifications' : 'solid-client-notifications-on-3')).resolve('@inrupt/solid-client');
      const { version } = JSON.parse(await readFile(new URL('../package.json', `file://${entry}`), 'utf8'));
      assert.equal(version[0], name.at(-3));
    });

    test('ESS-1 ESS-2 ESS-3 ESS-23 finds the gateway beside the other services, without credentials, and connects', async () => {
      const topic = inAlice(`ess/found-${name.at(-3)}`);
      await put(alice, topic);
      await putAcl(alice, topic, server.users.alice.webid, [server.users.bob.webid]);
      const { requests, fetch } = watched(bob);
      const client = await connected(library, topic, { fetch });
      assert.deepEqual(requests, ['POST /.notifications/gateway/', 'POST /.notifications/ess/'], 'discovery is by nobody');
      assert.deepEqual(client.heard, [], 'nothing is said before the first change');
      await hears(client, alice, topic);
      await new SubscriptionClient(bob.fetch).subscribe(topic, WEBSOCKET_2023);
      await disconnected(client);
    });

    test('ESS-5 names with spaces, letters of all kinds, and another spelling of the host', async () => {
      for (const path of ['ess/a%20b', 'ess/caf%C3%A9', "ess/x;y=z,'(1)'"]) {
        const topic = inAlice(`${path}-${name.at(-3)}`);
        await put(alice, topic);
        const client = await connected(library, topic, { fetch: alice.fetch });
        await hears(client, alice, topic);
        await disconnected(client);
      }
      const client = await connected(library, `${inAlice('ess/asked')}?part=1`, { fetch: alice.fetch });
      await disconnected(client);
    });

    test('ESS-8 ESS-35 a document that is not there yet: Create, Update, Delete, Create', async () => {
      const topic = inAlice(`ess/life-${name.at(-3)}`);
      const client = await connected(library, topic, { fetch: alice.fetch });
      const states = [];
      for (const change of [put, put, remove, put]) {
        await change(alice, topic);
        if (change === put) states.push((await request(alice, 'GET', topic)).headers.get('etag').replaceAll('"', '').split(/[.-]/)[0]);
      }
      await until(() => client.heard.length === 4, 'all is heard');
      const path = new URL(topic).pathname;
      assert.deepEqual(kinds(client), ['Create', 'Update', 'Delete', 'Create'].map((kind) => `${kind} ${path}`));
      const told = client.heard.filter(({ type }) => type[1] !== 'Delete').map(({ object }) => object.state.split(/[.-]/)[0]);
      assert.deepEqual(told, states);
      assert.ok(client.heard.every(({ type }) => type[0] === 'http://www.w3.org/ns/prov#Activity'));
      await disconnected(client);
    });

    test('ESS-36 ESS-46 the steps of its own test for Node: one message for each child container', async () => {
      const { createContainerInContainer, deleteContainer, getPodUrlAll, getSourceIri } = solidClient;
      const options = { fetch: alice.fetch };
      const [pod] = await getPodUrlAll(alice.info.webId, options);
      const session = getSourceIri(await createContainerInContainer(pod, { ...options, slugSuggestion: 'ess-session' }));
      const client = listener(library, session, options);
      assert.equal(client.status, 'closed');
      await client.connect();
      await new Promise((resolve, reject) => client.on('connected', resolve).on('error', reject));
      assert.equal(client.status, 'connected');
      const child = await createContainerInContainer(session, options);
      await until(() => client.heard.length, 'the child is told of');
      assert.equal(client.heard.length, 1);
      await deleteContainer(getSourceIri(child), options);
      await until(() => client.heard.length > 1, 'and its end');
      assert.deepEqual(kinds(client), Array(2).fill(`Update ${new URL(session).pathname}`));
      await disconnected(client);
      assert.equal(client.status, 'closed');
      await deleteContainer(session, options);
    });

    test('ESS-13 a method that nobody knows is told so, in words that the client understands', async () => {
      const fetch = (url, init) => alice.fetch(url, { ...init, method: 'INVALID', body: undefined });
      const error = await listener(library, inAlice('ess/method'), { fetch }).connect().then(assert.fail, (error) => error);
      assert.match(error.message, /protocol negotiation info/);
      const { type, title, status } = error.problemDetails;
      assert.deepEqual([title, status, new URL(type).href], ['Method Not Allowed', 405, 'about:blank']);
    });

    test('ESS-12 ESS-20 problems are read as such', async () => {
      const client = new library.WebsocketNotification('BAD', { gateway: `${server.base}.notifications/gateway/`, fetch: alice.fetch });
      const error = await client.connect().then(assert.fail, (error) => error);
      assert.match(error.message, /connection info/);
      assert.equal(error.problemDetails.status, 400);
      assert.match(error.problemDetails.detail, /topic/);
      assert.ok(error instanceof BadRequestError);
    });

    test('ESS-17 ESS-18 ESS-22 who may not read is told by type, after one request', async () => {
      const topic = inAlice(`ess/closed-${name.at(-3)}`);
      await put(alice, topic);
      await putAcl(alice, topic, server.users.alice.webid, [server.users.bob.webid], 'acl:Write, acl:Append');
      const nobody = await listener(library, topic).connect().then(assert.fail, (error) => error);
      assert.ok(nobody instanceof UnauthorizedError, nobody);
      // Below what the client signs with, so that what it repeats by itself is seen.
      const sent = [];
      const global = globalThis.fetch;
      globalThis.fetch = (url, init) => {
        sent.push(String(url.url ?? url));
        return global(url, init);
      };
      try {
        const stranger = await listener(library, topic, { fetch: bob.fetch }).connect().then(assert.fail, (error) => error);
        assert.ok(stranger instanceof ForbiddenError, stranger);
      } finally {
        globalThis.fetch = global;
      }
      assert.equal(sent.filter((url) => url.endsWith('/.notifications/ess/')).length, 1, sent.join('\n'));
      await putAcl(alice, topic, server.users.alice.webid, [server.users.bob.webid]);
      await disconnected(await connected(library, topic, { fetch: bob.fetch }));
    });

    test('ESS-21 features are spread into what is asked, and honoured', async () => {
      const topic = inAlice(`ess/features-${name.at(-3)}`);
      await put(alice, topic);
      const options = { fetch: alice.fetch, features: { state: 'something else', ttl: 3, rate: 0.1, filter: 'x' } };
      const client = await connected(library, topic, options);
      await until(() => client.heard.length, 'how it stands');
      assert.deepEqual(kinds(client), [`Update ${new URL(topic).pathname}`]);
      await until(() => client.events.at(-1) === 'closed', 'its time is over');
      assert.equal(client.heard.length, 1);
    });

    test('ESS-25 a token that was used, or is none, is an error and a close', async () => {
      const topic = inAlice(`ess/token-${name.at(-3)}`);
      let endpoint;
      const fetch = async (url, init) => {
        const response = await alice.fetch(url, init);
        if (url.endsWith('/ess/')) ({ endpoint } = await response.clone().json());
        return response;
      };
      const client = await connected(library, topic, { fetch });
      for (const used of [endpoint, `${endpoint}x`]) {
        const again = listener(library, topic, { fetch });
        await again.connect(used, 'solid-0.2');
        await until(() => again.events.at(-1) === 'closed', 'it is refused');
        assert.deepEqual(again.events, ['error', 'closed']);
      }
      await disconnected(client);
      assert.ok(!server.output().includes(new URL(endpoint).searchParams.get('auth')));
    });

    test('ESS-26 ESS-28 ESS-29 goes and comes again, and twice at once', async () => {
      const topic = inAlice(`ess/again-${name.at(-3)}`);
      await put(alice, topic);
      const { requests, fetch } = watched(alice);
      const client = await connected(library, topic, { fetch });
      await disconnected(client);
      await client.connect();
      await until(() => client.events.at(-1) === 'connected', 'it is connected again');
      assert.deepEqual(requests, ['gateway', 'ess', 'gateway', 'ess'].map((name) => `POST /.notifications/${name}/`));
      await hears(client, alice, topic);
      // Without a goodbye: both are served.
      const first = client.websocket;
      await client.connect();
      await until(() => client.events.length === 4, 'it is connected a third time');
      await put(alice, topic);
      await until(() => client.heard.length === 3, 'both tell of it');
      assert.equal(client.heard[1].id, client.heard[2].id);
      first.close();
      await disconnected(client);
    });

    test('ESS-43 ESS-45 the actor is named; a reader whose Read is withdrawn hears nothing more', async () => {
      const topic = inAlice(`ess/withdrawn-${name.at(-3)}`);
      await put(alice, topic);
      await putAcl(alice, topic, server.users.alice.webid, [server.users.bob.webid]);
      const client = await connected(library, topic, { fetch: bob.fetch });
      await hears(client, alice, topic);
      assert.deepEqual(client.heard[0].actor, [server.users.alice.webid]);
      await putAcl(alice, topic, server.users.alice.webid, []);
      await put(alice, topic);
      await until(() => client.events.at(-1) === 'closed', 'it is let go');
      assert.equal(client.heard.length, 1);
    });
  });
}

test('ESS-4 the client of 2021 reads plain JSON and connects', async () => {
  // It looks at the origin without its port, and parses no messages.
  const { WebsocketNotification } = require('solid-client-notifications-0.2');
  const topic = inAlice('ess/old');
  await put(alice, topic);
  const port = new URL(server.base).port;
  const fetch = (url, init) => alice.fetch(String(url).replace(/^http:\/\/localhost\//, `http://localhost:${port}/`), init);
  const client = await connected({ WebsocketNotification }, topic, { fetch });
  await put(alice, topic);
  await until(() => client.heard.length, 'the change is heard');
  assert.equal(JSON.parse(client.heard[0]).object.id, topic);
  await disconnected(client);
});

test('ESS-6 as with ESS 1.1: nothing at the origin, so the topic leads to its storage, whose document is JSON-LD', async () => {
  const topic = inAlice('ess/of-1.1');
  await put(alice, topic);
  const contexts = { 'https://www.w3.org/ns/solid/notification/v1': 'notifications.jsonld' };
  const global = globalThis.fetch;
  for (const status of [401, 404]) {
    const asked = [];
    globalThis.fetch = async (url, init) => {
      const at = String(url.url ?? url);
      if (at === `${server.base}.well-known/solid`) return new Response(null, { status });
      if (contexts[at]) {
        const text = await readFile(new URL(`../../crates/model/src/contexts/${contexts[at]}`, import.meta.url), 'utf8');
        return new Response(text, { headers: { 'Content-Type': 'application/ld+json' } });
      }
      asked.push(`${init?.method ?? 'GET'} ${at}`);
      return global(url, init);
    };
    try {
      const client = await connected(on2, topic, { fetch: alice.fetch });
      assert.ok(asked.includes(`GET ${inAlice('')}.well-known/solid`), asked.join('\n'));
      await hears(client, alice, topic);
      await disconnected(client);
      // From 3.0.0 on there is no way but the document of the origin.
      await assert.rejects(listener(on3, topic, { fetch: alice.fetch }).connect());
    } finally {
      globalThis.fetch = global;
    }
  }
});

test('ESS-5 ESS-31 a host of other letters; and the flow again when the server has stopped and come again', async () => {
  const other = await startAt('bücher.localhost');
  let owner;
  try {
    owner = await login(other, 'alice');
    assert.match(other.users.alice.root, /^http:\/\/xn--bcher-kva\.localhost:/);
    const spelled = `${other.users.alice.root.replace('xn--bcher-kva', 'bücher')}ess`;
    const client = await connected(on2, spelled, { fetch: owner.fetch });
    await put(owner, `${other.users.alice.root}ess`);
    await until(() => client.heard.length, 'it is heard');
    await other.crash();
    await until(() => client.events.at(-1) === 'closed', 'the server is gone');
    const session = await login(other, 'alice');
    const again = await connected(on2, `${other.users.alice.root}ess`, { fetch: session.fetch });
    await hears(again, session, `${other.users.alice.root}ess`);
    await disconnected(again);
    await logout(session);
  } finally {
    await logout(owner);
    await other.stop();
  }
});
