// SolidOS's own parts in Chromium: the log-in and the store of `solid-logic`, `rdflib` below it, and a chat of `solid-ui`.
// None of them says who it is on the socket: they open what `Updates-Via` of their GET says.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launch, logIn, serveApp } from './browser.js';
import { login, logout, put, putAcl } from './clients.js';
import { start, until } from './server.js';

let server, app, browser, alice;
before(async () => {
  [server, app, browser] = await Promise.all([start(), serveApp('solidos/main.js'), launch()]);
  alice = await login(server, 'alice');
});
after(async () => {
  await logout(alice);
  await browser?.close();
  await app?.close();
  await server?.stop();
});

let context, page, sockets;
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  sockets = [];
  page.on('websocket', (socket) => {
    const seen = { url: socket.url(), said: [], heard: [] };
    sockets.push(seen);
    socket.on('framesent', ({ payload }) => seen.said.push(payload));
    socket.on('framereceived', ({ payload }) => seen.heard.push(payload));
  });
});
afterEach(() => context?.close());

const lines = () => sockets.flatMap(({ heard }) => heard);
const hears = (line) => until(() => lines().includes(line), `${line}; heard ${lines()}`);
const named = (name) => `<> <http://vocab.example/#name> "${name}" .`;

/** A private document of alice, which bob may read. */
async function shared(path, body) {
  const url = `${server.users.alice.root}solidos/${path}`;
  await put(alice, url, body);
  await putAcl(alice, url, server.users.alice.webid, [server.users.bob.webid]);
  return url;
}

/** Logs bob in to the page, through the provider's pages. */
async function bobs() {
  await logIn(page, app, server, {}, 'bob');
  assert.equal(await page.evaluate(() => window.app.me()), server.users.bob.webid);
}

/** Logs in anew: what was open before is not. */
async function again(session) {
  await logout(session);
  return login(server, 'alice');
}

const follow = async (url) => {
  await page.evaluate((url) => window.app.follow(url), url);
  await hears(`ack ${url}`);
};

test('a logged-in page hears a private document until Read is withdrawn, and sends nothing but `sub`', async () => {
  const url = await shared('private', named('zero'));
  await bobs();
  await follow(url);
  await put(alice, url, named('one'));
  await page.waitForFunction((url) => window.app.name(url) === 'one', url);
  assert.equal(await page.evaluate((url) => window.app.reloads[url], url), 1);
  assert.deepEqual(sockets.map(({ said }) => said), [[`sub ${url}`]]);
  assert.match(sockets[0].url, /\/\.notifications\/solid-0\.1\/[\w-]+$/);

  await putAcl(alice, url, server.users.alice.webid, []);
  await put(alice, url, named('two'));
  await hears(`err ${url} forbidden`);
  assert.equal(lines().filter((line) => line.startsWith('pub ')).length, 1);
  assert.equal(await page.evaluate((url) => window.app.name(url), url), 'one');
});

test('one reload for a foreign change, and none for the page\'s own patch', async () => {
  const url = await shared('both', named('zero'));
  await putAcl(alice, url, server.users.alice.webid, [server.users.bob.webid], 'acl:Read, acl:Write');
  await bobs();
  await follow(url);
  await page.evaluate((url) => window.app.rename(url, 'by bob'), url);
  await hears(`pub ${url}`);
  await put(alice, url, named('by alice'));
  await page.waitForFunction((url) => window.app.name(url) === 'by alice', url);
  assert.equal(await page.evaluate((url) => window.app.reloads[url], url), 1);
});

test('a page comes back by itself after the server was away, with the URL that it knows', async () => {
  const url = await shared('restarted', named('zero'));
  await bobs();
  await follow(url);
  await server.crash();
  alice = await again(alice);
  await put(alice, url, named('meanwhile'));
  await page.waitForFunction((url) => window.app.name(url) === 'meanwhile', url);
  await until(() => sockets.at(-1).heard.includes(`ack ${url}`), 'it is acknowledged again');
  assert.deepEqual([...new Set(sockets.map((socket) => socket.url))].length, 1);
  await put(alice, url, named('later'));
  await page.waitForFunction((url) => window.app.name(url) === 'later', url);
  assert.ok(sockets.at(-1).heard.includes(`pub ${url}`));
});

test('in a chat, what somebody else takes back goes by itself', async () => {
  const folder = await shared('chat/', '');
  const channel = `${folder}index.ttl#this`;
  await put(alice, channel, '<#this> a <http://www.w3.org/ns/pim/meeting#LongChat> .');
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  const messages = `${folder}${today}/chat.ttl`;
  const says = (...words) => {
    const message = (text, n) => `<${channel}> wf:message <#Msg${n}> .
      <#Msg${n}> sioc:content "${text}" ; dct:created "${new Date().toISOString()}"^^xsd:dateTime ; foaf:maker <${server.users.alice.webid}> .`;
    const prefixes = {
      wf: 'http://www.w3.org/2005/01/wf/flow#',
      sioc: 'http://rdfs.org/sioc/ns#',
      dct: 'http://purl.org/dc/terms/',
      xsd: 'http://www.w3.org/2001/XMLSchema#',
      foaf: 'http://xmlns.com/foaf/0.1/',
    };
    const declared = Object.entries(prefixes).map(([name, iri]) => `@prefix ${name}: <${iri}> .`);
    return [...declared, ...words.map(message)].join('\n');
  };
  await put(alice, messages, says('Hello Bob', 'Are you there?'));
  await bobs();
  await page.evaluate((channel) => window.app.chat(channel), channel);
  await page.getByText('Are you there?').waitFor();
  await hears(`ack ${messages}`);
  // This version of the chat hears of what is new, and draws only what is gone.
  await put(alice, messages, says('Hello Bob'));
  await page.getByText('Are you there?').waitFor({ state: 'detached' });
  assert.ok(await page.getByText('Hello Bob').isVisible());
});
