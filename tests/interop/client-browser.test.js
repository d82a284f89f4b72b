// @podbell/client in Chromium, as the files that the server's own origin has at /client/, below its strict policy.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { login, logout, put, putAcl, remove } from './clients.js';
import { start, until } from './server.js';

let server, browser, alice, box;
before(async () => {
  [server, browser] = await Promise.all([start(), launch()]);
  alice = await login(server, 'alice');
  box = `${server.users.alice.root}browser/`;
  await put(alice, box, '');
  await putAcl(alice, box, server.users.alice.webid, []);
  await put(alice, `${box}.acl`, `@prefix acl: <http://www.w3.org/ns/auth/acl#> .
<#me> a acl:Authorization ; acl:accessTo <./> ; acl:default <./> ; acl:agent <${server.users.alice.webid}> ; acl:mode acl:Read, acl:Write, acl:Control .
<#all> a acl:Authorization ; acl:accessTo <./> ; acl:default <./> ; acl:agentClass <http://xmlns.com/foaf/0.1/Agent> ; acl:mode acl:Read .`);
});
after(async () => {
  await browser?.close();
  await logout(alice);
  await server?.stop();
});

/** A page of the console's origin, with the client from disk, and what it complained of. */
async function visit() {
  const context = await browser.newContext();
  const complaints = [];
  await context.route(new URL('/client/**', server.issuer).href, async (route) => {
    const { pathname } = new URL(route.request().url());
    const file = new URL(`../../clients/javascript/src${pathname.slice('/client'.length)}`, import.meta.url);
    await route.fulfill({ status: 200, contentType: 'text/javascript; charset=utf-8', body: await readFile(file) });
  });
  // The page is the real one, with its policy; a made one would be on no network, which may not ask this machine. Nothing
  // of its own gets in the way.
  await context.route(new URL('/console/**', server.issuer).href, (route) => route.fulfill({ status: 200, contentType: 'text/javascript', body: '' }));
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => /Content Security Policy|Refused to/.test(message.text()) && complaints.push(message.text()));
  const answer = await page.goto(new URL('notifications.html', server.issuer).href);
  assert.match(answer.headers()['content-security-policy'], /script-src 'self'/);
  return { page, complaints, close: () => context.close() };
}

const listen = (page, topic, transport) =>
  page.evaluate(
    async ([topic, transport]) => {
      const { subscribe } = await import('/client/index.js');
      window.said = [];
      const say = (text) => window.said.push(text);
      window.subscription = subscribe(topic, {
        transports: [transport],
        recursive: !['ess', 'solid-0.1'].includes(transport),
        reconnect: { first: 50, longest: 400 },
        onNotification: ({ type, object }) => say(`${type} ${object.slice(topic.length)}`),
        onGap: ({ reason }) => say(`gap ${reason}`),
        onState: say,
        onEnd: ({ reason }) => say(`end ${reason}`),
      });
      const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`not ready: ${window.subscription.problem}`)), 20_000));
      await Promise.race([window.subscription.ready, late]);
    },
    [topic, transport],
  );

for (const transport of ['websocket', 'eventsource', 'streaming', 'ess', 'solid-0.1']) {
  test(`${transport}: a page hears, comes back after a crash, and closes`, async () => {
    const { page, complaints, close } = await visit();
    const topic = `${box}${transport}/`;
    await put(alice, topic, '');
    await listen(page, topic, transport);
    const said = () => page.evaluate(() => window.said);
    const says = (test, what) => until(async () => test(await said()), what);
    await put(alice, `${topic}1`);
    await says((all) => all.some((one) => /^(Create 1|Update )/.test(one)), 'the first');
    await server.crash();
    if (['ess', 'solid-0.1'].includes(transport)) {
      await says((all) => all.includes('gap cannot-resume'), 'the gap');
      await put(alice, `${topic}2`);
      await says((all) => all.filter((one) => one === 'Update ').length === 2, 'the second');
    } else {
      await put(alice, `${topic}2`);
      await remove(alice, `${topic}1`);
      await says((all) => all.includes('Delete 1'), 'the last');
      assert.deepEqual((await said()).filter((one) => /^[A-Zg]/.test(one)), ['Create 1', 'Create 2', 'Delete 1']);
    }
    await page.evaluate(() => window.subscription.close());
    assert.equal((await said()).at(-1), 'end closed');
    assert.deepEqual(complaints, []);
    await close();
  });
}

test('a page that was offline comes back when it is online, and has missed nothing', async () => {
  const { page, close } = await visit();
  await listen(page, box, 'websocket');
  await page.context().setOffline(true);
  await put(alice, `${box}meanwhile`);
  await page.context().setOffline(false);
  await until(async () => (await page.evaluate(() => window.said)).includes('Create meanwhile'), 'it is heard');
  const said = await page.evaluate(() => window.said);
  assert.deepEqual(said.filter((one) => one === 'Create meanwhile' || one.startsWith('gap')), ['Create meanwhile']);
  await close();
});
