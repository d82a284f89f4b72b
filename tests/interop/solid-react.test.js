// `LiveUpdate` of `@solid/react`, and the update tracker that it and the hooks are made of: that reads `Updates-Via`, opens that
// without a subprotocol, sends `sub`, and knows a document again only by the very words that it has sent.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, afterEach, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { login, logout, put, putAcl, remove } from './clients.js';
import { start, until } from './server.js';

// As in a browser; every socket that it opens is kept.
const sockets = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.lines = [];
    this.addEventListener('message', ({ data }) => this.lines.push(data));
    sockets.push(this);
  }
};
const require = createRequire(new URL('solid-react/package.json', import.meta.url));
const { default: UpdateTracker, resetWebSockets } = require('@solid/react/lib/UpdateTracker');
const { default: LiveUpdate } = require('@solid/react/lib/components/LiveUpdate');
const { default: UpdateContext } = require('@solid/react/lib/UpdateContext');
const { createElement, useContext } = require('react');
const { act, create } = require('react-test-renderer');
const auth = createRequire(require.resolve('@solid/react'))('solid-auth-client');
const anonymously = auth.fetch;

let server, alice, bob, root;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
  bob = await login(server, 'bob');
  root = `${server.users.alice.root}react/`;
});
afterEach(async () => {
  // The package means to let them go for good, but what it deletes for that is not its own to delete.
  for (const socket of sockets) socket.onclose = null;
  await resetWebSockets();
  sockets.splice(0);
  auth.fetch = anonymously;
});
after(async () => {
  await logout(alice, bob);
  await server?.stop();
});

/** A tracker of these, and the URLs of the updates that it was told. */
async function track(...urls) {
  const updates = [];
  const tracker = new UpdateTracker(({ url }) => updates.push(url));
  await tracker.subscribe(...urls);
  await acknowledged(urls.length);
  return updates;
}

const acknowledged = (count) =>
  until(() => sockets.flatMap(({ lines }) => lines).filter((line) => line.startsWith('ack ')).length >= count, `${count} acks`);
const hears = (updates, count) => until(() => updates.length >= count, `${count} updates; heard ${updates}`);

/** A document that everybody may read. */
async function open(name) {
  const url = root + name;
  await put(alice, url);
  const publicly = '<#public> a acl:Authorization ; acl:mode acl:Read ; acl:agentClass foaf:Agent ;';
  const owner = '<#owner> a acl:Authorization ; acl:mode acl:Read, acl:Write, acl:Control ;';
  const prefixes = '@prefix acl: <http://www.w3.org/ns/auth/acl#> . @prefix foaf: <http://xmlns.com/foaf/0.1/> .';
  const rule = `${owner} acl:agent <${server.users.alice.webid}> ; acl:accessTo <${url}> . ${publicly} acl:accessTo <${url}> .`;
  await put(alice, `${url}.acl`, `${prefixes} ${rule}`);
  return url;
}

test('a tracker hears each change of a public document, and of no other', async () => {
  const [one, two] = [await open('one'), await open('two')];
  const updates = await track(one);
  await put(alice, two);
  await put(alice, one);
  await hears(updates, 1);
  await remove(alice, one);
  await hears(updates, 2);
  assert.deepEqual(updates, [one, one]);
  assert.equal(sockets.length, 1);
});

test('several documents have one socket, and a name that is spelt another way comes back as it was sent', async () => {
  await open('a%20b~c');
  const odd = `${root}a%20b%7Ec`;
  const plain = await open('plain');
  const updates = await track(odd, plain);
  await put(alice, plain);
  await put(alice, odd);
  await hears(updates, 2);
  assert.deepEqual(updates, [plain, odd]);
  assert.equal(sockets.length, 1);
});

test('a private document is heard by its reader, who sends no credentials on the socket, until Read is withdrawn', async () => {
  const [url, sentinel] = [`${root}private`, await open('sentinel')];
  await put(alice, url);
  await putAcl(alice, url, server.users.alice.webid, [server.users.bob.webid]);
  // The log-in of the app: what the package has of its own is older than tokens that are bound to a key.
  auth.fetch = bob.fetch;
  const updates = await track(url, sentinel);
  await put(alice, url);
  await hears(updates, 1);
  await putAcl(alice, url, server.users.alice.webid, []);
  await put(alice, url);
  await put(alice, sentinel);
  await hears(updates, 2);
  assert.deepEqual(updates, [url, sentinel]);
});

test('a stranger hears nothing of it', async () => {
  const [url, sentinel] = [`${root}hidden`, await open('seen')];
  await put(alice, url);
  await putAcl(alice, url, server.users.alice.webid, []);
  // The first to be asked for says where the socket is.
  const updates = [];
  const tracker = new UpdateTracker(({ url }) => updates.push(url));
  await tracker.subscribe(sentinel);
  await tracker.subscribe(url);
  await acknowledged(1);
  await until(() => sockets.flatMap(({ lines }) => lines).some((line) => line.startsWith('err ')), 'it is refused');
  await put(alice, url);
  await put(alice, sentinel);
  await hears(updates, 1);
  assert.deepEqual(updates, [sentinel]);
});

test('after a cut it comes back by itself, and goes on hearing', async () => {
  const url = await open('again');
  const updates = await track(url);
  await put(alice, url);
  await hears(updates, 1);
  sockets[0].terminate();
  await until(() => sockets[1]?.lines.includes(`ack ${url}`), 'it has subscribed again');
  await put(alice, url);
  await hears(updates, 2);
});

test('LiveUpdate draws again what is in it when a private document changes', async () => {
  const url = `${root}drawn`;
  await put(alice, url);
  await putAcl(alice, url, server.users.alice.webid, [server.users.bob.webid]);
  auth.fetch = bob.fetch;
  const Shown = () => useContext(UpdateContext).url ?? 'nothing yet';
  let drawn;
  await act(async () => void (drawn = create(createElement(LiveUpdate, { subscribe: url }, createElement(Shown)))));
  await acknowledged(1);
  assert.equal(drawn.toJSON(), 'nothing yet');
  await act(async () => {
    await put(alice, url);
    await until(() => sockets[0].lines.includes(`pub ${url}`), 'it is told');
  });
  assert.equal(drawn.toJSON(), url);
  await act(async () => drawn.unmount());
});
