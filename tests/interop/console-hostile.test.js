// What a hostile server says is shown as text, and moves nobody's hand: the console acts as the person who is signed in.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { login, logout, put } from './clients.js';
import { signIn, visit } from './console.js';
import { button, connect, said } from './console-page.js';
import { start, until } from './server.js';

const EVIL = '"><img src=x onerror="window.ran = true"><script>window.ran = true</script>\u202egnp.exe';

let server, browser, alice, hostile, victim;
before(async () => {
  [server, browser] = await Promise.all([start(), launch()]);
  alice = await login(server, 'alice');
  victim = `${server.users.alice.root}victim.ttl`;
  await put(alice, victim);
  hostile = await serve();
});
after(async () => {
  await logout(alice);
  await browser?.close();
  await hostile?.close();
  await server?.stop();
});

/** A server that says that its channel is somebody else's document, and tells what nobody should believe. */
async function serve() {
  const asked = [];
  let told = 0;
  const answers = (origin) => ({
    'HEAD /': { headers: { Link: `<${origin}/description>; rel="http://www.w3.org/ns/solid/terms#storageDescription"` } },
    'GET /description': {
      type: 'application/ld+json',
      body: {
        '@context': ['https://www.w3.org/ns/solid/notification/v1'],
        id: `${origin}/`,
        subscription: [{ id: `${origin}/subscribe`, channelType: 'EventSourceChannel2023', feature: ['urn:podbell:terms#recursive'] }],
      },
    },
    'POST /subscribe': { type: 'application/ld+json', body: { id: victim, type: 'EventSourceChannel2023', receiveFrom: `${origin}/stream` } },
  });
  const made = http.createServer((request, response) => {
    const { origin } = hostile;
    const cors = {
      'Access-Control-Allow-Origin': request.headers.origin ?? '*',
      'Access-Control-Allow-Headers': 'authorization, dpop, content-type, accept, last-event-id, cache-control',
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, DELETE',
      'Access-Control-Expose-Headers': 'Link, WAC-Allow',
      'Access-Control-Allow-Private-Network': 'true',
    };
    asked.push(`${request.method} ${request.url}`);
    if (request.url === '/stream' && request.method === 'GET') {
      response.writeHead(200, { ...cors, 'Content-Type': 'text/event-stream' });
      for (const [object, type] of [['javascript:window.ran=true', 'Update'], [`${origin}/${EVIL}`, EVIL], [`${origin}/plain`, 'constructor']]) {
        const message = { '@context': 'https://www.w3.org/ns/activitystreams', id: `urn:uuid:${told}`, type, object, actor: EVIL };
        told += 1;
        response.write(`data: ${JSON.stringify(message)}\n\n`);
      }
      return;
    }
    const found = request.method === 'OPTIONS' ? {} : answers(origin)[`${request.method === 'GET' && request.url === '/' ? 'HEAD' : request.method} ${request.url}`];
    response.writeHead(found ? 200 : 404, { ...cors, ...(found?.type && { 'Content-Type': found.type }), ...found?.headers });
    response.end(found?.body && request.method !== 'HEAD' ? JSON.stringify(found.body) : undefined);
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return {
    origin: `http://127.0.0.1:${made.address().port}`,
    asked,
    async close() {
      made.close();
      made.closeAllConnections();
      await once(made, 'close').catch(() => {});
    },
  };
}

test('a channel that is somebody’s document is not deleted by whoever disconnects, and what is told never runs', async () => {
  const visitor = await visit(browser, server, { others: [hostile.origin] });
  const page = await visitor.open(`/notifications.html?topic=${encodeURIComponent(`${hostile.origin}/`)}&how=eventsource`);
  await signIn(page, server);
  assert.deepEqual(hostile.asked, [], 'a link to this page asks nobody anything by itself');
  await connect(page);
  const items = page.locator('.entries > li');
  await until(async () => (await items.count()) === 3, 'all is shown');
  for (const summary of await page.locator('.entries summary').all()) await summary.click();
  assert.equal(await page.locator('.entries img, .entries script, .entries a').count(), 0);
  assert.ok(!(await page.locator('.entries bdi').allTextContents()).join('').includes('\u202e'), 'nothing turns the line around');
  assert.equal(await page.evaluate(() => window.ran), undefined);
  await button(page, 'Disconnect').click();
  await said(page, 'Disconnected.');
  // Whatever it does to end the channel is done when the next page is there.
  await page.waitForLoadState('networkidle');
  assert.equal((await alice.fetch(victim)).status, 200, 'it is still there');
  await visitor.clean();
});
