// The owner's view in a real browser, on a real server: everything that listens is shown rightly, by whichever door it
// came; what is ended has ended; what was given up is delivered again; what others named is text and nothing else.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { launch } from './browser.js';
import { channel, inrupt, put, remove, request, stream } from './clients.js';
import { axe, signIn, visit } from './console.js';
import { authority } from './lws/authority.js';
import { Subscriber } from './lws/client.js';
import { openSocket } from './lws/streams.js';
import { CONTEXT, MEDIA_TYPE, WEBSOCKET } from './lws/terms.js';
import { world } from './lws/world.js';
import { listen } from './receivers/listening.js';
import { subscribe } from './receivers/subscribing.js';
import { podbell, until } from './server.js';

let here, server, browser, receiver, issuer, visitor, answering, opened;
const MARKUP = '<img src=x onerror="window.hit=1">';

before(async () => {
  answering = 500;
  [receiver, issuer, browser] = await Promise.all([listen(() => answering), authority(), launch()]);
  here = await world({ PODBELL_LWS_AUTHORIZATION_SERVERS: issuer.issuer });
  server = here.server;
});
after(async () => {
  await browser?.close();
  receiver?.close();
  issuer?.close();
  await here?.close();
});
beforeEach(async () => {
  answering = 500;
  opened = [];
  visitor = await visit(browser, server);
});
afterEach(async () => {
  for (const client of opened) client.close();
  // Nothing listens when the next begins.
  const root = encodeURIComponent(here.root);
  for (const name of ['alice', 'bob', 'eve']) {
    const all = `${server.base}.notifications/channels/?storage=${root}&subscriber=${encodeURIComponent(server.users[name].webid)}`;
    await here.alice.fetch(all, { method: 'DELETE' });
  }
  await here.alice.fetch(`${server.base}.notifications/channels/?storage=${root}&subscriber=http%3A%2F%2Fxmlns.com%2Ffoaf%2F0.1%2FAgent`, { method: 'DELETE' });
  await visitor.clean();
});

const keep = (client) => (opened.push(client), client);

/** The last dialect but one: what rdflib does. */
async function legacy(session, topic) {
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
const live = (session, topic) => stream(session, `${server.base}.notifications/EventSourceChannel2023/${encodeURIComponent(topic)}`);

/** A subscriber of Linked Web Storage with whatever its authority says of it. */
async function told(claims, topic) {
  const { endpoint, storage } = here.bob.lws;
  const challenge = await fetch(endpoint, { method: 'POST', headers: { 'Content-Type': MEDIA_TYPE }, body: JSON.stringify({ '@context': CONTEXT, type: WEBSOCKET, topic: [topic] }) });
  const aud = /Bearer[^,]*?realm="([^"]*)"|realm="([^"]*)"/.exec(challenge.headers.get('www-authenticate')).slice(1).find(Boolean);
  const authorized = async (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${await issuer.token({ ...claims, aud })}` } });
  const { subscription } = await new Subscriber(authorized, { endpoint, storage }).subscribe(WEBSOCKET, topic);
  return keep(await openSocket(subscription, storage));
}

/** Alice's view of her listeners. */
async function alices(at = '/') {
  const page = await visitor.open(at);
  await signIn(page, server);
  await page.getByRole('heading', { name: 'Listeners' }).waitFor();
  return page;
}

const rows = (page) => page.locator('.listener');
const row = (page, ...texts) => texts.reduce((found, hasText) => found.filter({ hasText }), rows(page));
const group = (page, name) => page.locator('.group').filter({ has: page.locator('h3', { hasText: name }) });
const said = (page) => page.locator('#said');
const press = (page, name) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click();

test('everybody who listens is shown: who, with which app, on what, and how', async () => {
  const c = await here.container();
  const [a, open] = [`${c}a`, `${c}open`];
  await put(here.alice, open);
  await here.open(open);
  keep(await channel(here.bob, a));
  keep(await inrupt(here.bob, a));
  keep(await legacy(here.bob, a));
  keep(await here.socket(here.bob, c));
  keep(await live(here.bob, a));
  keep(await channel({ fetch }, open));
  await subscribe(here.bob, server, 'WebhookChannel2023', { topic: a, sendTo: receiver.url('/in'), recursive: true });
  await subscribe(here.alice, server, 'EventSourceChannel2023', { topic: here.root, recursive: true, activityType: ['Create', 'Delete'] });
  await put(here.alice, a);
  await until(() => receiver.arrived.length > 0, 'it is sent');

  const page = await alices();
  await row(page, 'Webhook').waitFor();
  const name = a.slice(here.root.length);
  const bobs = group(page, 'bob');
  assert.match(await bobs.locator('.head').textContent(), new RegExp(`${server.users.bob.webid}.*6 listeners`));
  for (const way of ['WebSocket', 'WebSocket of ESS', 'WebSocket of solid-0.1', 'Event stream']) {
    const found = bobs.locator('.listener', { has: page.getByText(way, { exact: true }) }).filter({ hasText: name });
    assert.match(await found.textContent(), /connected now.*since .*last delivered/, way);
  }
  const lws = bobs.locator('.listener', { has: page.getByText('WebSocket of Linked Web Storage', { exact: true }) });
  assert.match(await lws.textContent(), new RegExp(`${c.slice(here.root.length)} and everything below.*connected now`));
  const hook = bobs.locator('.listener', { hasText: 'Webhook' });
  await hook.getByText(/refused with 500/).waitFor();
  assert.match(await hook.textContent(), /Failing since .*: refused with 500, next attempt .*1 waiting/);
  assert.ok(!(await page.locator('main').textContent()).includes(receiver.url('/in')), 'where it is pushed to is its maker’s business');
  assert.match(await group(page, 'Anybody').locator('.listener').textContent(), new RegExp(`${open.slice(here.root.length)}.*Unknown app.*connected now`));
  const own = group(page, 'alice').locator('.listener');
  assert.match(await own.textContent(), /everything in the storage.*Event stream.*only Create, Delete.*not connected/);
  assert.equal(await own.locator('time').first().getAttribute('datetime').then((at) => Number.isNaN(Date.parse(at))), false);

  await page.getByRole('radio', { name: 'Resource' }).check();
  assert.equal(await group(page, name).filter({ hasText: /5 listeners/ }).count(), 1, 'five listen to the document');
  await page.getByRole('radio', { name: 'App' }).check();
  assert.match(await group(page, 'Unknown app').textContent(), /Anybody/);
  await page.getByLabel('Find').fill('solid-0.1 bob');
  await page.getByText(/^1 of 8 listeners$/).waitFor();
  assert.equal(await rows(page).count(), 1);
  await page.getByLabel('Find').fill('nobody of that name');
  await page.getByText('None of the listeners is like that.').waitFor();
});

test('one is ended: its connection closes, its row goes, and what was done is said', async () => {
  const c = await here.container();
  const one = keep(await channel(here.bob, `${c}a`));
  const other = keep(await channel(here.bob, c));
  const page = await alices();
  const mine = rows(page).filter({ has: page.getByText(`${c.slice(here.root.length)}a`, { exact: true }) });
  await mine.getByRole('button', { name: /^End/ }).click();
  const dialog = page.getByRole('dialog', { name: 'End this listener of bob?' });
  await dialog.getByText('withdraw Read').waitFor();
  await press(page, 'Cancel');
  assert.equal(one.closed, false);
  // By keyboard alone; Enter on Cancel ends nothing.
  const button = mine.getByRole('button', { name: /^End/ });
  assert.ok(await button.evaluate((one) => one === document.activeElement), 'one is back where one was');
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(one.closed, false);
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await until(() => one.closed, 'the socket is closed');
  await mine.waitFor({ state: 'detached' });
  await said(page).filter({ hasText: /^Ended: WebSocket of bob/ }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'listeners-title');
  assert.equal(other.closed, false);
  assert.equal(await rows(page).count(), 1);
});

test('all of a person are ended, whichever way they listen, and nobody else is', async () => {
  const c = await here.container([server.users.bob.webid, server.users.eve.webid]);
  const bobs = [await channel(here.bob, `${c}a`), await inrupt(here.bob, `${c}a`), await legacy(here.bob, `${c}a`), await here.socket(here.bob, c), await live(here.bob, `${c}a`)].map(keep);
  const eves = keep(await channel(here.eve, `${c}a`));
  const page = await alices();
  // What is filtered away ends too, and is counted.
  await page.getByLabel('Find').fill('bob solid-0.1');
  await group(page, 'bob').getByRole('button', { name: /^End all/ }).click();
  await page.getByRole('dialog', { name: 'End all of bob?' }).getByText('5 listeners').waitFor();
  await press(page, 'End all');
  await said(page).filter({ hasText: 'Ended 5 listeners of bob.' }).waitFor();
  // A socket of solid-0.1 has other topics too; it is told of the loss of this one.
  const isOver = (client) => client.closed || client.heard?.some?.((line) => String(line).startsWith('err '));
  await until(() => bobs.every(isOver), 'all of bob’s are closed');
  await page.getByLabel('Find').fill('');
  await group(page, 'eve').waitFor();
  assert.equal(await rows(page).count(), 1);
  assert.equal(eves.closed, false);
  await put(here.alice, `${c}a`);
  await until(() => eves.heard.length > 0, 'eve still hears');
});

test('all of an app are ended, whoever uses it', async () => {
  const c = await here.container([server.users.bob.webid, server.users.eve.webid]);
  const app = { client_id: 'https://app.example/id' };
  const theirs = [await told({ ...app, sub: server.users.bob.webid }, c), await told({ ...app, sub: server.users.eve.webid }, c)];
  const other = keep(await channel(here.bob, `${c}a`));
  const page = await alices('/?by=app');
  await group(page, 'app.example').getByRole('button', { name: /^End all/ }).click();
  await page.getByRole('dialog', { name: 'End all of app.example?' }).getByText('2 listeners').waitFor();
  await press(page, 'End all');
  await until(() => theirs.every(({ closed }) => closed), 'both are closed');
  await group(page, 'app.example').waitFor({ state: 'detached' });
  assert.equal(other.closed, false);
  assert.equal(await rows(page).count(), 1);
});

test('what was given up is shown, and delivered again', async () => {
  const c = await here.container();
  const already = receiver.arrived.length;
  await subscribe(here.bob, server, 'WebhookChannel2023', { topic: `${c}a`, sendTo: receiver.url('/dead') });
  await put(here.alice, `${c}a`);
  await receiver.arrives(already + 1);
  await until(async () => (await mine()).some((entry) => entry['urn:podbell:terms#lastFailureReason']), 'the failure is known');
  // What takes days is done to the queue of a server that is away.
  const given = `import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE deliveries SET attempts = 10, died = ?, head = 0, outcome = 65536 + 500", (time.time_ns(),))
db.execute("UPDATE targets SET ready = NULL")
db.commit()`;
  await server.crash(() => promisify(execFile)('python3', ['-c', given, `${server.data}/podbell.sqlite3`]));
  await here.logIn();
  const page = await alices();
  await row(page, 'Webhook').getByRole('button', { name: '1 dead letter' }).click();
  const dialog = page.getByRole('dialog', { name: 'Webhook of bob' });
  await dialog.getByText(/10 attempts, owed .*given up .*: refused with 500/).waitFor();
  await dialog.getByText('The last attempts').click();
  await dialog.getByRole('cell', { name: 'refused with 500' }).waitFor();
  await axe(page, 'dead letters');
  answering = 204;
  const before = receiver.arrived.length;
  await dialog.getByRole('button', { name: /^Deliver again/ }).click();
  await dialog.getByText('1 message will be delivered again.').waitFor();
  await receiver.arrives(before + 1);
  await press(page, 'Close');
  await row(page, 'Webhook', 'Fine').waitFor();

  async function mine() {
    const answer = await request(here.alice, 'GET', `${server.base}.notifications/channels/?storage=${encodeURIComponent(here.root)}`);
    return JSON.parse(answer.body_text).channel;
  }
});

test('the timeline tells what changed, who did it, and what comes while one looks', async () => {
  const c = await here.container();
  const name = c.slice(here.root.length);
  await put(here.alice, `${c}written`);
  const page = await alices();
  const timeline = page.getByRole('region', { name: 'What changed lately' });
  const change = (text) => timeline.getByRole('listitem').filter({ hasText: text });
  await change(`Created ${name}written`).filter({ hasText: /by alice/ }).waitFor();
  await timeline.getByRole('heading', { name: 'Today' }).waitFor();
  const first = await change(`Created ${name}written`).elementHandle();
  await put(here.alice, `${c}written`);
  await change(`Changed ${name}written`).waitFor();
  await remove(here.alice, `${c}written`);
  await change(`Deleted ${name}written`).waitFor();
  assert.ok(await first.evaluate((line) => line.isConnected), 'what was there stays where it is');
  const words = await timeline.getByRole('listitem').evaluateAll((lines) => lines.slice(0, 3).map((line) => line.querySelector('b').textContent));
  assert.deepEqual(words, ['Deleted', 'Changed', 'Created']);
  const hour = page.getByRole('region', { name: 'The last hour' });
  await hour.getByRole('img', { name: /^Changes and deliveries per minute/ }).waitFor();
  await hour.getByText('As a table').click();
  await hour.getByRole('columnheader', { name: 'Deliveries' }).waitFor();
  const changes = await hour.locator('tbody td:nth-child(2)').allTextContents();
  assert.ok(changes.map(Number).reduce((sum, one) => sum + one, 0) >= 1, changes.join());
});

test('older changes are loaded when they are asked for, each once', async () => {
  const c = await here.container();
  for (let one = 0; one < 60; one += 1) await put(here.alice, `${c}older-${one}`);
  const page = await alices();
  const timeline = page.getByRole('region', { name: 'What changed lately' });
  const lines = timeline.getByRole('listitem');
  await lines.filter({ hasText: 'older-59' }).waitFor();
  assert.equal(await lines.count(), 50);
  assert.equal(await lines.filter({ hasText: /older-0\b/ }).count(), 0);
  await timeline.getByRole('button', { name: 'Load older changes' }).click();
  await lines.filter({ hasText: 'older-9' }).waitFor();
  const texts = await lines.locator('bdi[title]').evaluateAll((all) => all.map((one) => one.title).filter((title) => title.includes('/older-')));
  assert.deepEqual(texts, Array.from({ length: 60 }, (_, one) => `${c}older-${59 - one}`));
});

test('hundreds are shown page by page, found by a word, and ended at once', async () => {
  const c = await here.container();
  const hundred = async (count) => {
    for (let done = 0; done < count; done += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, one) => subscribe(here.bob, server, 'WebSocketChannel2023', { topic: `${c}n${done + one}`, endAt: '2099-01-01T00:00:00Z' })));
    }
  };
  await hundred(130);
  const page = await alices();
  const bobs = group(page, 'bob');
  await bobs.getByText('100 listeners').waitFor();
  assert.equal(await rows(page).count(), 25);
  await page.getByRole('button', { name: 'Load more listeners' }).click();
  await bobs.getByText('130 listeners').waitFor();
  await said(page).filter({ hasText: '130 listeners loaded.' }).waitFor();
  await page.getByLabel('Find').fill('n129');
  await page.getByText('1 of 130 listeners').waitFor();
  await page.getByLabel('Find').fill('');
  await bobs.getByRole('button', { name: 'Show all 130' }).click();
  assert.equal(await rows(page).count(), 130);
  assert.ok(await rows(page).nth(25).getByRole('button', { name: /^End/ }).evaluate((one) => one === document.activeElement), 'one goes on at the first that is new');
  await bobs.getByRole('button', { name: /^End all 130 of bob/ }).click();
  await press(page, 'End all');
  await said(page).filter({ hasText: 'Ended 130 listeners of bob.' }).waitFor();
  await page.getByText('Nobody listens.').waitFor();
});

test('somebody else sees nothing of alice’s, not even by asking for it', async () => {
  const c = await here.container();
  keep(await channel(here.bob, `${c}a`));
  const page = await visitor.open(`/?storage=${encodeURIComponent(here.root)}`);
  await signIn(page, server, 'bob');
  await page.getByText('Nobody listens.').waitFor();
  const text = await page.locator('main').textContent();
  assert.ok(text.includes(server.users.bob.root));
  assert.ok(!text.includes(c.slice(here.root.length)) && !text.includes(here.root), text);
});

test('what others named is text: no script of theirs runs, and nothing of theirs is a link', async () => {
  const named = `${here.root}${encodeURIComponent(MARKUP)}`;
  await put(here.alice, named);
  await here.allow(named, []);
  await request(here.alice, 'PUT', `${named}.acl`, `@prefix acl: <http://www.w3.org/ns/auth/acl#> .
<#owner> a acl:Authorization ; acl:accessTo <${named}> ; acl:mode acl:Read, acl:Write, acl:Control ; acl:agent <${server.users.alice.webid}> .
<#all> a acl:Authorization ; acl:accessTo <${named}> ; acl:mode acl:Read ; acl:agentClass <http://xmlns.com/foaf/0.1/Agent> .`, { 'Content-Type': 'text/turtle' });
  const webid = 'https://evil.example/%3Cimg%20src=x%20onerror=window.hit=1%3E#%3Cb%3E';
  await told({ sub: webid, client_id: 'javascript:window.hit=1' }, named);
  await told({ sub: webid, client_id: `${MARKUP}\u202etxt` }, named);
  const page = await alices();
  for (const by of ['Person', 'App', 'Resource']) {
    await page.getByRole('radio', { name: by }).check();
    await rows(page).nth(1).waitFor();
    const text = await page.locator('main').textContent();
    assert.ok(text.includes('<img src=x') && text.includes('javascript:window.hit=1'), text);
    assert.ok(!text.includes('\u202e'), 'nothing turns the direction of what stands around it');
    assert.equal(await page.locator('main :is(img, b > b, iframe, script, [href^="javascript:" i])').count(), 0);
  }
  await page.getByRole('region', { name: 'What changed lately' }).getByText('<img src=x').first().waitFor();
  await page.getByRole('radio', { name: 'Person' }).check();
  await group(page, 'evil.example').getByRole('button', { name: /^End all/ }).click();
  await page.getByRole('dialog').getByText('2 listeners').waitFor();
  await press(page, 'Cancel');
  assert.equal(await page.evaluate(() => window.hit), undefined);
  await group(page, 'evil.example').getByRole('button', { name: /look up name/ }).first().waitFor();
});

test('a profile elsewhere is asked for a name when somebody asks for it, and not before; without saying who asks', async () => {
  const asked = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.headers);
    const name = [{ '@id': `${at}/dave#me`, 'http://xmlns.com/foaf/0.1/name': [{ '@value': `Dave ${MARKUP}` }] }];
    response.writeHead(200, { 'Content-Type': 'application/ld+json', 'Access-Control-Allow-Origin': '*' }).end(JSON.stringify(name));
  });
  await new Promise((resolve) => elsewhere.listen(0, 'localhost', resolve));
  const at = `http://localhost:${elsewhere.address().port}`;
  try {
    const c = await here.container();
    await here.open(`${c}a`);
    await told({ sub: `${at}/dave#me`, client_id: 'https://app.example/id' }, `${c}a`);
    await visitor.clean();
    visitor = await visit(browser, server, { others: [at] });
    asked.length = 0;
    const page = await alices();
    await rows(page).first().waitFor();
    assert.equal(asked.length, 0);
    await page.getByRole('button', { name: /look up name/ }).click();
    await group(page, `Dave ${MARKUP}`).waitFor();
    await said(page).filter({ hasText: `is called Dave ${MARKUP}` }).waitFor();
    assert.deepEqual(asked.map((one) => [one.authorization, one.cookie, one.referer]), [[undefined, undefined, undefined]]);
    assert.match(await group(page, 'Dave').textContent(), new RegExp(`${at}/dave#me`), 'the WebID stays beside the name');
    assert.equal(await page.evaluate(() => window.hit), undefined);
  } finally {
    elsewhere.close();
    elsewhere.closeAllConnections();
  }
});

test('signing out in another tab shows it here, and keeps nothing of the pod on the page', async () => {
  const c = await here.container();
  keep(await channel(here.bob, `${c}a`));
  const page = await alices('/?by=constructor');
  await rows(page).first().waitFor();
  const other = await visitor.open('/notifications.html');
  await other.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: /doorbell/ }).waitFor();
  assert.ok(!(await page.locator('main').textContent()).includes(c.slice(here.root.length)));
});

test('the page goes on by itself after the server was away', async () => {
  const c = await here.container();
  const page = await alices();
  await page.getByText('Nobody listens.').waitFor();
  await server.crash();
  await here.logIn();
  await put(here.alice, `${c}afterwards`);
  await page.getByRole('region', { name: 'What changed lately' }).getByText(`${c.slice(here.root.length)}afterwards`).waitFor({ timeout: 30_000 });
  await page.getByText('Nobody listens.').waitFor();
  assert.equal(await page.getByRole('alert').filter({ hasText: /./ }).count(), 0);
});

for (const colorScheme of ['light', 'dark']) {
  test(`nothing that axe finds grave, and nothing too wide at 320 px, ${colorScheme}`, async () => {
    const c = await here.container();
    keep(await channel(here.bob, `${c}a`));
    await subscribe(here.bob, server, 'WebhookChannel2023', { topic: c, sendTo: receiver.url('/axe') });
    await put(here.alice, `${c}a-document-whose-name-is-so-long-that-it-does-not-fit-into-any-line-of-a-telephone`);
    const page = await visitor.open('/');
    await page.emulateMedia({ colorScheme });
    await page.getByRole('heading', { name: /doorbell/ }).waitFor();
    await axe(page, 'signed out');
    await signIn(page, server);
    await row(page, 'Webhook').waitFor();
    for (const width of [1200, 320]) {
      await page.setViewportSize({ width, height: 800 });
      for (const by of ['Person', 'App', 'Resource']) {
        await page.getByRole('radio', { name: by }).check();
        await axe(page, `by ${by} at ${width} px`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `no wider than ${width} px`);
      }
    }
    await row(page, 'Webhook').first().getByRole('button', { name: /^End/ }).click();
    await axe(page, 'the question');
    await press(page, 'Cancel');
  });
}

// The last: from here on alice has two.
test('who owns several storages chooses one, and comes back to it', async () => {
  await podbell(server, 'pod', 'create', 'second', '--owner', server.users.alice.webid);
  const second = `${server.base}second/`;
  await subscribe(here.alice, server, 'EventSourceChannel2023', { topic: `${second}in-second` });
  await subscribe(here.alice, server, 'EventSourceChannel2023', { topic: `${here.root}in-first` });
  const page = await alices();
  await rows(page).filter({ hasText: 'in-first' }).waitFor();
  await page.getByLabel('Storage').selectOption(second);
  await rows(page).filter({ hasText: 'in-second' }).waitFor();
  assert.equal(await rows(page).count(), 1);
  await page.reload();
  await rows(page).filter({ hasText: 'in-second' }).waitFor();
  assert.equal(await page.getByLabel('Storage').inputValue(), second);
});
