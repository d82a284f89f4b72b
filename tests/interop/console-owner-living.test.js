// The owner's view as time goes by: what changes, what is much, and a server or a sign-in that goes away; for whoever looks,
// however they look.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, put, remove } from './clients.js';
import { axe, signIn } from './console.js';
import { alices, group, here, keep, prepare, press, receiver, row, rows, said, server, visitor } from './owner.js';
import { subscribe } from './receivers/subscribing.js';

prepare();

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
