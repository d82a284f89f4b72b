// The browser's own EventSource, WebSocket and fetch hear, on another site than the server's, also after a crash, and
// as whoever is logged in there.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launch, logIn, serveApp } from './browser.js';
import { login, logout, put, putAcl, remove, request } from './clients.js';
import { start, until } from './server.js';

const CONTEXT = 'https://www.w3.org/ns/solid/notification/v1';

let server, app, browser, alice, bob, box;
before(async () => {
  [server, app, browser] = await Promise.all([start(), serveApp(), launch()]);
  alice = await login(server, 'alice');
  bob = await login(server, 'bob');
});
after(async () => {
  await logout(alice, bob);
  await browser?.close();
  await app?.close();
  await server?.stop();
});

let context, page;
let boxes = 0;
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${app.origin}/`);
  await page.evaluate(() => (window.heard = []));
  box = `${server.users.alice.root}streams-${boxes++}/`;
  await put(alice, box, '');
  await putAcl(alice, box, server.users.alice.webid, [server.users.bob.webid]);
});
afterEach(() => context?.close());

async function subscribe(session, type, more = {}) {
  const body = JSON.stringify({ '@context': [CONTEXT], type, topic: box, ...more });
  const service = `${server.base}.notifications/${type}/`;
  const answer = await request(session, 'POST', service, body, { 'Content-Type': 'application/ld+json' });
  return JSON.parse(answer.body_text);
}

/** Waits until the page has heard so many; what that is. */
async function heard(count) {
  await page.waitForFunction((count) => window.heard.length >= count, count);
  return page.evaluate(() => window.heard);
}

const names = (messages) => messages.map(({ type, object }) => `${type} ${object.slice(box.length)}`);

const listen = (url) =>
  page.evaluate(async (url) => {
    const source = new EventSource(url);
    source.onmessage = (event) => window.heard.push(JSON.parse(event.data));
    source.addEventListener('gap', () => window.heard.push({ type: 'gap', object: '' }));
    source.onerror = () => (window.state = source.readyState);
    window.source = source;
    await new Promise((resolve) => (source.onopen = resolve));
  }, url);

/** What the answers of the server were asked for: by which origin, on which site. */
function asked() {
  const asked = [];
  page.on('request', (request) => asked.push(request.allHeaders().catch(() => ({}))));
  return async () => (await Promise.all(asked)).map((headers) => [headers.origin, headers['sec-fetch-site']]);
}

test('the page is on another site: it hears by CORS alone', async () => {
  const { receiveFrom } = await subscribe(bob, 'StreamingHTTPChannel2023');
  const requests = asked();
  const from = await page.evaluate(async (url) => {
    const answer = await fetch(url);
    await answer.body.cancel();
    return [location.origin, answer.type];
  }, receiveFrom);
  assert.deepEqual(from, [app.origin, 'cors']);
  assert.notEqual(new URL(server.base).hostname, new URL(app.origin).hostname);
  assert.deepEqual(await requests(), [[app.origin, 'cross-site']]);
});

test('whoever is logged in there follows the linked streams of private documents, in every form', async () => {
  const forms = {
    'text/turtle': (text) => text.match(/ a as:\w+/g)?.map((type) => type.slice(6)) ?? [],
    'application/ld+json': (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line).type),
    'text/event-stream': (text) => (text.match(/^data: .*$/gm) ?? []).map((line) => JSON.parse(line.slice(6)).type),
  };
  await putAcl(alice, box, server.users.alice.webid, []);
  await logIn(page, app, server);
  const requests = asked();
  for (const [accept, types] of Object.entries(forms)) {
    const topic = box + accept.replace('/', '-');
    await put(alice, topic);
    assert.equal(await page.evaluate(async (topic) => (await window.app.anonymous(topic)).status, topic), 401);
    const status = await page.evaluate(
      async ([topic, accept]) => {
        const stream = await window.app.linked(topic, 'http://www.w3.org/ns/solid/terms#updatesViaStreamingHttp2023');
        window.app.streamed = '';
        return window.app.follow(stream, { Accept: accept });
      },
      [topic, accept],
    );
    assert.equal(status, 200, accept);
    const streamed = async (count) => {
      const now = async () => types(await page.evaluate(() => window.app.streamed));
      await until(async () => (await now()).length >= count, `${count} notifications as ${accept}`);
      return now();
    };
    assert.deepEqual(await streamed(1), ['Update']);
    await put(alice, topic);
    await streamed(2);
    await remove(alice, topic);
    assert.deepEqual(await streamed(3), ['Update', 'Update', 'Delete'], accept);
  }
  assert.ok((await requests()).every(([origin, site]) => origin === app.origin && site === 'cross-site'));
});

test('an EventSource hears, comes back by itself after a crash, and misses nothing', async () => {
  const { receiveFrom } = await subscribe(bob, 'EventSourceChannel2023', { recursive: true });
  await listen(receiveFrom);
  await put(alice, `${box}a`);
  await heard(1);
  await server.crash();
  await put(alice, `${box}b`);
  await put(alice, `${box}b`);
  await remove(alice, `${box}a`);
  const messages = await heard(4);
  assert.deepEqual(names(messages), ['Create a', 'Create b', 'Update b', 'Delete a']);
  assert.equal(new Set(messages.map(({ id }) => id)).size, 4);
});

test('an EventSource whose grant is withdrawn ends, and does not come again', async () => {
  const { receiveFrom } = await subscribe(bob, 'EventSourceChannel2023');
  await listen(receiveFrom);
  await put(alice, `${box}seen`);
  await heard(1);
  await putAcl(alice, box, server.users.alice.webid, []);
  await put(alice, `${box}secret`);
  await page.waitForFunction(() => window.state === EventSource.CLOSED);
  assert.deepEqual(names(await heard(1)), ['Add seen']);
});

test('fetch reads a stream line by line', async () => {
  const { receiveFrom } = await subscribe(bob, 'StreamingHTTPChannel2023');
  await page.evaluate(async (url) => {
    const answer = await fetch(url);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    void (async () => {
      for (let text = ''; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        const lines = (text + value).split('\n');
        text = lines.pop();
        for (const line of lines) window.heard.push(JSON.parse(line));
      }
    })();
  }, receiveFrom);
  for (const name of ['a', 'b', 'c']) await put(alice, box + name);
  assert.deepEqual(names(await heard(3)), ['Add a', 'Add b', 'Add c']);
});

test('a WebSocket comes back with the cursor that the app read before it subscribed', async () => {
  const read = await request(bob, 'HEAD', box);
  const cursor = read.headers.get('podbell-cursor');
  await put(alice, `${box}between`);
  const { receiveFrom } = await subscribe(bob, 'WebSocketChannel2023');
  await page.evaluate((url) => {
    const socket = new WebSocket(url);
    socket.onmessage = (event) => window.heard.push(JSON.parse(event.data));
  }, `${receiveFrom}?since=${cursor}`);
  await put(alice, `${box}after`);
  assert.deepEqual(names(await heard(2)), ['Add between', 'Add after']);
});
