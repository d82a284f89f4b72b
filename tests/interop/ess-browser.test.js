// The published client of ESS in a page of another site, logged in through the provider's pages: the steps of its own
// test for browsers, over `@inrupt/solid-client` 2 and over 3. In Chromium; no other browser is tried.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { launch, logIn, serveApp } from './browser.js';
import { start, until } from './server.js';

let server, app, browser;
before(async () => {
  [server, app, browser] = await Promise.all([start(), serveApp(), launch()]);
});
after(async () => {
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
    const seen = { url: socket.url(), frames: [], closed: false };
    sockets.push(seen);
    // Every frame is a notification: anything else fails here.
    socket.on('framereceived', ({ payload }) => seen.frames.push(JSON.parse(payload.toString())));
    socket.on('close', () => (seen.closed = true));
  });
});
afterEach(() => context?.close());

for (const version of ['on2', 'on3']) {
  describe(`ESS-46 ESS-47 in Chromium, over @inrupt/solid-client ${version.at(-1)}.x`, () => {
    test('ESS-7 ESS-36 a logged-in page connects from another origin, and is told of a child once', async () => {
      await logIn(page, app, server);
      const pod = await page.evaluate(() => window.app.pod());
      assert.equal(pod, server.users.alice.root);
      await page.evaluate(([version, topic]) => window.app.ess(version, topic), [version, pod]);
      await page.waitForFunction(() => window.app.listener.status === 'connected');
      assert.equal(sockets.length, 1);
      const [socket] = sockets;
      assert.equal(new URL(socket.url).host, new URL(server.base).host);
      assert.deepEqual(socket.frames, [], 'nothing is said before the first change');

      const child = await page.evaluate((pod) => window.app.createContainer(pod), pod);
      await until(() => socket.frames.length, 'the child is told of');
      assert.equal(socket.frames.length, 1);
      await page.evaluate((child) => window.app.deleteContainer(child), child);
      await until(() => socket.frames.length > 1, 'and its end');
      assert.equal(socket.frames.length, 2);
      for (const frame of socket.frames) {
        assert.ok(frame.type.includes('Update'));
        assert.equal(frame.object.id, pod);
      }
      await page.waitForFunction(() => window.app.listener.heard.length === 2);

      await page.evaluate(() => window.app.listener.disconnect());
      await page.waitForFunction(() => window.app.listener.status === 'closed');
      await until(() => socket.closed, 'it is closed');
      assert.deepEqual(await page.evaluate(() => window.app.listener.events), ['connected', 'closed']);
    });

    test('ESS-18 ESS-25 a refusal can be read by the page, and a used token opens nothing', async () => {
      await logIn(page, app, server, {}, 'bob');
      const told = await page.evaluate(
        ([version, topic]) => window.app.ess(version, topic).then(String, ({ problemDetails }) => [problemDetails.status, problemDetails.title]),
        [version, `${server.users.alice.root}profile/`],
      );
      assert.deepEqual(told, [403, 'Forbidden']);

      await page.evaluate(([version, topic]) => window.app.ess(version, topic), [version, server.users.bob.root]);
      await page.waitForFunction(() => window.app.listener.status === 'connected');
      await page.evaluate((used) => window.app.listener.connect(used, 'solid-0.2'), sockets[0].url);
      await page.waitForFunction(() => window.app.listener.events.at(-1) === 'closed');
      assert.deepEqual(await page.evaluate(() => window.app.listener.events), ['connected', 'error', 'closed']);
    });
  });
}
