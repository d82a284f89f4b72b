// The console's page of notifications, as it listens, for whoever looks at it in a narrow window, in the dark, with colours of
// their own, or without anything that moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looked } from './access.js';
import { put, request } from './clients.js';
import { signIn } from './console.js';
import { button, connect, entry, said } from './console-page.js';
import { here, prepare, server, visitor } from './owner.js';

prepare();

test('listening: waiting to come back, back again, and ended by the owner', async () => {
  const c = await here.container();
  const page = await visitor.open(`/notifications.html?topic=${encodeURIComponent(c)}&below`);
  await signIn(page, server);
  await connect(page);
  await page.getByText('The channel', { exact: true }).click();
  await put(here.alice, `${c}${'a-long-name-'.repeat(12)}.ttl`);
  await entry(page, 'a-long-name-').first().waitFor();
  await entry(page, 'a-long-name-').first().locator('summary').click();
  await looked(page, 'listening');
  await server.crash(async () => {
    await said(page, 'Waiting to come back');
    await looked(page, 'waiting');
  });
  await here.logIn();
  await entry(page, 'Connected again').waitFor();
  await said(page, 'Connected since');
  const channel = await page.locator('.facts code').first().getAttribute('title');
  await request(here.alice, 'DELETE', channel);
  await said(page, 'the channel is gone');
  await looked(page, 'ended');
});

test('nothing moves for whoever wants it so', async () => {
  const c = await here.container();
  for (const [reducedMotion, moves] of [['no-preference', true], ['reduce', false]]) {
    const page = await visitor.open(`/notifications.html?topic=${encodeURIComponent(c)}&below`);
    await page.emulateMedia({ reducedMotion });
    if (moves) await signIn(page, server);
    else await button(page, 'Sign out').waitFor();
    await connect(page);
    await page.evaluate(() => {
      window.moved = 0;
      addEventListener('animationstart', () => (window.moved += 1));
    });
    await put(here.alice, `${c}moves-${moves}`);
    await entry(page, `moves-${moves}`).waitFor();
    // Two frames later whatever was to move has begun to.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    assert.equal(await page.evaluate(() => window.moved > 0), moves, reducedMotion);
    await button(page, 'Disconnect').click();
    await page.close();
  }
});
