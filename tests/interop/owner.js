// What the tests of the owner's view share: a server on which everything may listen to alice's pod, by whichever door, and
// her page in a browser.
import { execFile } from 'node:child_process';
import { after, afterEach, before, beforeEach } from 'node:test';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { launch } from './browser.js';
import { request, stream } from './clients.js';
import { signIn, visit } from './console.js';
import { authority } from './lws/authority.js';
import { Subscriber } from './lws/client.js';
import { openSocket } from './lws/streams.js';
import { CONTEXT, MEDIA_TYPE, WEBSOCKET } from './lws/terms.js';
import { world } from './lws/world.js';
import { listen } from './receivers/listening.js';
import { until } from './server.js';

/** The world of the file that has called `prepare`; `visitor` is anew for each test. */
export let here, server, browser, receiver, visitor;
let issuer;
let answer = 500;
const opened = [];
const PUBLIC = 'http://xmlns.com/foaf/0.1/Agent';

/** Has all of it there. */
export async function begin() {
  [receiver, issuer, browser] = await Promise.all([listen(() => answer), authority(), launch()]);
  here = await world({ PODBELL_LWS_AUTHORIZATION_SERVERS: issuer.issuer });
  server = here.server;
}

/** Takes all of it away. */
export async function end() {
  for (const client of opened.splice(0)) client.close();
  await browser?.close();
  receiver?.close();
  issuer?.close();
  await here?.close();
}

/** Has all of it there before the tests of a file, and gone after them. Nothing listens when a test begins. */
export function prepare() {
  before(begin);
  after(end);
  beforeEach(() => visits());
  afterEach(async () => {
    for (const client of opened.splice(0)) client.close();
    answers(500);
    for (const who of [...['alice', 'bob', 'eve'].map((name) => server.users[name].webid), PUBLIC]) {
      const query = new URLSearchParams({ storage: here.root, subscriber: who });
      await request(here.alice, 'DELETE', `${server.base}.notifications/channels/?${query}`);
    }
    await visitor.clean().finally(() => (visitor = undefined));
  });
}

/** What the receiver of webhooks answers from now on. */
export const answers = (status) => (answer = status);

/** Another browser context; `others` may be asked too. `options`: those of a context. */
export async function visits(others = [], options = {}) {
  await visitor?.clean();
  visitor = await visit(browser, server, { others, ...options });
}

/** Closes a listener after the test. */
export const keep = (client) => (opened.push(client), client);

/** The last dialect but one: what rdflib does. */
export async function legacy(session, topic) {
  const { headers } = await request(session, 'HEAD', topic);
  const socket = new WebSocket(headers.get('updates-via'), 'solid-0.1');
  const client = { heard: [], closed: false, close: () => socket.close() };
  socket.on('message', (data) => client.heard.push(String(data)));
  socket.on('close', () => (client.closed = true));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  socket.send(`sub ${topic}`);
  await until(() => client.heard.some((line) => line.startsWith('ack ')), `ack ${topic}`);
  return client;
}

/** An event stream without a subscription. */
export const live = (session, topic) => stream(session, `${server.base}.notifications/EventSourceChannel2023/${encodeURIComponent(topic)}`);

/** A subscriber of Linked Web Storage with whatever its authority says of it. */
export async function told(claims, topic) {
  const { endpoint, storage } = here.bob.lws;
  const challenge = await fetch(endpoint, { method: 'POST', headers: { 'Content-Type': MEDIA_TYPE }, body: JSON.stringify({ '@context': CONTEXT, type: WEBSOCKET, topic: [topic] }) });
  const aud = /Bearer[^,]*?realm="([^"]*)"|realm="([^"]*)"/.exec(challenge.headers.get('www-authenticate')).slice(1).find(Boolean);
  const authorized = async (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${await issuer.token({ ...claims, aud })}` } });
  const { subscription } = await new Subscriber(authorized, { endpoint, storage }).subscribe(WEBSOCKET, topic);
  return keep(await openSocket(subscription, storage));
}

/** Has what waits for receivers given up: what takes days is done to the queue of a server that is away. */
export async function giveUp() {
  const given = `import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE deliveries SET attempts = 10, died = ?, head = 0, outcome = 65536 + 500", (time.time_ns(),))
db.execute("UPDATE targets SET ready = NULL")
db.commit()`;
  await server.crash(() => promisify(execFile)('python3', ['-c', given, `${server.data}/podbell.sqlite3`]));
  await here.logIn();
}

/** What listens to alice's pod, as she is told it. */
export async function listed() {
  const answer = await request(here.alice, 'GET', `${server.base}.notifications/channels/?storage=${encodeURIComponent(here.root)}`);
  return JSON.parse(answer.body_text).channel;
}

/** Alice's view of her listeners. */
export async function alices(at = '/') {
  const page = await visitor.open(at);
  await signIn(page, server);
  await page.getByRole('heading', { name: 'Listeners' }).waitFor();
  return page;
}

/** What is on the page: all rows, those with all these texts, a group by its heading, what was said last. */
export const rows = (page) => page.locator('.listener');
export const row = (page, ...texts) => texts.reduce((found, hasText) => found.filter({ hasText }), rows(page));
export const group = (page, name) => page.locator('.group').filter({ has: page.locator('h3', { hasText: name }) });
export const said = (page) => page.locator('#said');
/** Presses a button of the dialog. */
export const press = (page, name) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
