// SemApps, whose clients compare the keys of JSON and know nothing of JSON-LD. `@semapps/semantic-data-provider` is
// unmodified: bundled, as its users do, without React, which it only draws with. The listener of ActivityPods is part
// of a server; what it looks for, asks for and takes is written anew.
import { build } from 'esbuild-wasm';
import LinkHeader from 'http-link-header';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { hears, login, logout, put, request, short } from './clients.js';
import { listen, says } from './receivers/listening.js';
import { start, until } from './server.js';

const DRAWN_WITH = /^(react|react-admin|react\/jsx-runtime|@mui\/styles\/makeStyles)$/;
const withoutReact = {
  name: 'without React',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: DRAWN_WITH }, ({ path }) => ({ path, namespace: 'drawn' }));
    onLoad({ filter: /./, namespace: 'drawn' }, () => ({ contents: 'module.exports = () => () => ({});' }));
  },
};

let server, alice, folder, semapps;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
  folder = await mkdtemp(path.join(tmpdir(), 'podbell-semapps-'));
  const outfile = path.join(folder, 'semapps.mjs');
  const module = createRequire(import.meta.url).resolve('@semapps/semantic-data-provider');
  await build({
    entryPoints: [path.join(path.dirname(module), 'index.es.js')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    outfile,
    plugins: [withoutReact],
    logLevel: 'error',
  });
  // What a browser has.
  globalThis.self ??= globalThis;
  globalThis.WebSocket ??= WebSocket;
  semapps = await import(pathToFileURL(outfile));
});
after(async () => {
  await logout(alice);
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What React-admin makes of an answer, with the headers that the data provider asks with. */
async function fetchJson(url, { method = 'GET', body } = {}) {
  const headers = { Accept: 'application/ld+json', ...(method === 'POST' && { 'Content-Type': 'application/ld+json' }) };
  const response = await alice.fetch(url, { method, body, headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return { status: response.status, headers: response.headers, body: text, json: text && JSON.parse(text) };
}

describe('@semapps/semantic-data-provider', () => {
  test('CA-1 CA-4 CA-5 its channel has the features it asked for, under the keys it reads', async () => {
    const topic = `${server.users.alice.root}semapps/features`;
    await put(alice, topic);
    const channel = await semapps.createSolidNotificationChannel(fetchJson, topic, {
      type: 'WebSocketChannel2023',
      startIn: 1_000,
      closeAfter: 3_600_000,
      rate: 'PT1S',
    });
    assert.equal(channel['@context'], 'https://www.w3.org/ns/solid/notifications-context/v1');
    assert.equal(channel.type, 'WebSocketChannel2023');
    assert.equal(channel.topic, topic);
    assert.equal(channel.rate, 'PT1S');
    // It reads the clock twice.
    const life = new Date(channel.endAt) - new Date(channel.startAt);
    assert.ok(life >= 3_599_000 && life < 3_600_000, `${life} ms`);
    await request(alice, 'DELETE', channel.id);
  });

  test('it hears what happens to a private document, over one socket for each', async () => {
    const topic = `${server.users.alice.root}semapps/doc`;
    await put(alice, topic);
    const options = { type: 'WebSocketChannel2023' };
    const socket = await semapps.getOrCreateWsChannel(fetchJson, topic, options);
    assert.equal(await semapps.getOrCreateWsChannel(fetchJson, topic, options), socket);
    const client = { heard: [] };
    socket.addEventListener('message', ({ data }) => client.heard.push(JSON.parse(data)));
    await until(() => socket.readyState === WebSocket.OPEN, 'it is connected');
    await put(alice, topic);
    await hears(client, 1);
    assert.deepEqual(short(client), [`Update ${new URL(topic).pathname}`]);
    socket.close();
    await until(() => socket.readyState === WebSocket.CLOSED, 'it is closed');
  });
});

describe('the listener of ActivityPods', () => {
  const json = async (url) => (await fetch(url, { headers: { Accept: 'application/ld+json' } })).json();

  /** From a topic to the documents of the services, with plain keys. */
  async function services(topic) {
    const response = await fetch(topic, { method: 'HEAD' });
    const link = LinkHeader.parse(response.headers.get('Link')).rel('http://www.w3.org/ns/solid/terms#storageDescription');
    const description = await json(link[0].uri);
    return Promise.all(description['notify:subscription'].map(json));
  }

  test('finds the services of a topic that it may not read, by their prefixed types', async () => {
    const topic = `${server.users.alice.root}activitypods/doc`;
    await put(alice, topic);
    const found = await services(topic);
    for (const type of ['WebSocketChannel2023', 'EventSourceChannel2023', 'StreamingHTTPChannel2023']) {
      const service = found.find((service) => service['notify:channelType'] === `notify:${type}`);
      assert.equal(service.id, `${server.base}.notifications/${type}/`);
    }
  });

  test('finds them at the place that it assumes when nothing links there', async () => {
    const description = await json(`${server.base}.well-known/solid`);
    assert.ok(description['notify:subscription'].every((url) => url.startsWith(`${server.base}.notifications/`)));
  });

  test('CA-8 CA-21 its request makes a channel: an inline context, and literals for IRIs', async () => {
    const topic = `${server.users.alice.root}activitypods/topic`;
    await put(alice, topic);
    const service = (await services(topic)).find((service) => service['notify:channelType'] === 'notify:WebSocketChannel2023');
    const { json: channel } = await fetchJson(service.id, {
      method: 'POST',
      body: JSON.stringify({
        '@context': { notify: 'http://www.w3.org/ns/solid/notifications#' },
        '@type': 'notify:WebSocketChannel2023',
        'notify:topic': topic,
        expiration: '2030-01-01T00:00:00Z',
      }),
    });
    // It asks for the channel later, and makes another when there is none.
    await request(alice, 'GET', channel.id);
    await request(alice, 'DELETE', channel.id);
    await request(alice, 'GET', channel.id, undefined, {}, /^(404|410)$/);
  });

  test('CA-8 T-K04 it is called, looks whether its channel is there still, and makes another when it is not', async (t) => {
    const hook = await listen(() => 200);
    t.after(() => hook.close());
    const topic = `${server.users.alice.root}activitypods/called`;
    // It makes another for 404 alone, and takes 410, which tells the same of a channel that was, for an error.
    const register = async (known) => {
      if (known && (await alice.fetch(known)).ok) return known;
      const service = (await services(topic)).find((service) => service['notify:channelType'] === 'notify:WebhookChannel2023');
      const { json: channel } = await fetchJson(service.id || service['@id'], {
        method: 'POST',
        body: JSON.stringify({
          '@context': { notify: 'http://www.w3.org/ns/solid/notifications#' },
          '@type': 'notify:WebhookChannel2023',
          'notify:topic': topic,
          'notify:sendTo': hook.url('/.webhooks/0b5e'),
        }),
      });
      return channel.id;
    };
    const first = await register();
    await put(alice, topic);
    await hook.arrives(1);
    assert.equal(await register(first), first);
    await request(alice, 'DELETE', first);
    const second = await register(first);
    assert.notEqual(second, first);
    await put(alice, topic);
    await hook.arrives(2);
    assert.deepEqual(hook.arrived.map(says), [['Create', topic], ['Update', topic]]);
  });
});
