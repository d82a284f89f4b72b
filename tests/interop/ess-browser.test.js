// The published client of ESS in a page of another site, logged in through the provider's pages: the steps of its own
// test for browsers, over `@inrupt/solid-client` 2 and over 3. The same steps in every browser that is installed.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { logIn, serveApp } from './browser.js';
import { BROWSERS } from './browsers/all.js';
import { start } from './server.js';

let server, app;
before(async () => {
  app = await serveApp();
  server = await start();
});
after(async () => {
  await app?.close();
  await server?.stop();
});

for (const { name, launch, missing } of BROWSERS) {
  describe(`ESS-46 ESS-47 in ${name}`, { skip: missing }, () => {
    let browser, context, page;
    before(async () => {
      browser = await launch();
    });
    after(() => browser?.close());
    beforeEach(async () => {
      context = await browser.newContext();
      page = await context.newPage();
      page.setDefaultTimeout(15_000);
    });
    afterEach(() => context?.close());

    /** The sockets of the page: every frame is a notification; anything else fails here. */
    const sockets = async () =>
      (await page.evaluate(() => window.app.sockets)).map((socket) => ({ ...socket, frames: socket.frames.map((frame) => JSON.parse(frame)) }));

    for (const version of ['on2', 'on3']) {
      const over = `over @inrupt/solid-client ${version.at(-1)}.x`;

      test(`ESS-7 ESS-36 ${over}: a logged-in page connects from another origin, and is told of a child once`, async (t) => {
        t.diagnostic(`${name} ${browser.version()}`);
        await logIn(page, app, server);
        const pod = await page.evaluate(() => window.app.pod());
        assert.equal(pod, server.users.alice.root);
        assert.equal((await page.evaluate((pod) => window.app.anonymous(pod), pod)).status, 401, 'it is private');
        await page.evaluate(([version, topic]) => window.app.ess(version, topic), [version, pod]);
        await page.waitForFunction(() => window.app.listener.status === 'connected');
        const opened = await sockets();
        assert.equal(opened.length, 1);
        assert.equal(new URL(opened[0].url).host, new URL(server.base).host);
        assert.deepEqual(opened[0].frames, [], 'nothing is said before the first change');

        const child = await page.evaluate((pod) => window.app.createContainer(pod), pod);
        await page.waitForFunction(() => window.app.sockets[0].frames.length > 0);
        assert.equal((await sockets())[0].frames.length, 1);
        await page.evaluate((child) => window.app.deleteContainer(child), child);
        await page.waitForFunction(() => window.app.sockets[0].frames.length > 1);
        const [{ frames }] = await sockets();
        assert.equal(frames.length, 2);
        for (const frame of frames) {
          assert.ok(frame.type.includes('Update'));
          assert.equal(frame.object.id, pod);
        }
        await page.waitForFunction(() => window.app.listener.heard.length === 2);

        await page.evaluate(() => window.app.listener.disconnect());
        await page.waitForFunction(() => window.app.listener.status === 'closed');
        await page.waitForFunction(() => window.app.sockets[0].closed);
        assert.deepEqual(await page.evaluate(() => window.app.listener.events), ['connected', 'closed']);
      });

      test(`ESS-18 ESS-25 ${over}: a refusal can be read by the page, and a used token opens nothing`, async () => {
        await logIn(page, app, server, {}, 'bob');
        const told = await page.evaluate(
          ([version, topic]) => window.app.ess(version, topic).then(String, ({ problemDetails }) => [problemDetails.status, problemDetails.title]),
          [version, `${server.users.alice.root}profile/`],
        );
        assert.deepEqual(told, [403, 'Forbidden']);

        await page.evaluate(([version, topic]) => window.app.ess(version, topic), [version, server.users.bob.root]);
        await page.waitForFunction(() => window.app.listener.status === 'connected');
        await page.evaluate((used) => window.app.listener.connect(used, 'solid-0.2'), (await sockets())[0].url);
        await page.waitForFunction(() => window.app.listener.events.at(-1) === 'closed');
        assert.deepEqual(await page.evaluate(() => window.app.listener.events), ['connected', 'error', 'closed']);
      });
    }
  });
}
