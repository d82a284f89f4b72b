// The console's page of notifications by keyboard, for small windows, for long lists, and for whoever reads it aloud.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { put } from './clients.js';
import { axe, signIn } from './console.js';
import { button, connect, entry, said } from './console-page.js';
import { alice, notes, open, server } from './console-stage.js';
import { until } from './server.js';

test('by keyboard alone: browse to a folder, listen, and ring it with a test document', async () => {
  const page = await open(server.users.alice.root);
  await signIn(page, server);
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await page.getByLabel('Folder or document').focus();
  await press('Tab', 'Enter');
  await page.locator('.members').getByText('notes/').waitFor();
  await page.locator('.members button').first().focus();
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  while (!(await focused()).endsWith('notes/')) await press('ArrowDown');
  await press('Enter');
  await page.locator('.members').getByText('first.ttl').waitFor();
  assert.equal(await page.getByLabel('Folder or document').inputValue(), notes);
  assert.equal(new URL(page.url()).searchParams.get('topic'), notes);
  await page.getByLabel('Only this resource').focus();
  await press('ArrowDown');
  await page.getByLabel('Folder or document').focus();
  await press('Enter');
  await said(page, 'Connected since');
  await page.locator('.try').filter({ hasText: 'A small document of its own' }).waitFor();
  await button(page, 'Create').focus();
  for (const [word, status] of [['Created', '201'], ['Changed', '20'], ['Deleted', '20']]) {
    await press('Enter');
    await page.locator('.answers li').first().filter({ hasText: status }).waitFor();
    await entry(page, `${word}podbell-test-`).waitFor();
    if (word === 'Changed') await button(page, 'Delete').focus();
  }
  assert.equal(await focused(), 'Create');
  // What was made is not left behind, also when one listens no more.
  await press('Enter');
  await page.locator('.answers li').first().filter({ hasText: '201' }).waitFor();
  await button(page, 'Disconnect').click();
  assert.deepEqual([await button(page, 'Create').isDisabled(), await button(page, 'Delete').isDisabled()], [true, false]);
  await button(page, 'Delete').click();
  await page.locator('.answers li').first().filter({ hasText: 'DELETE' }).waitFor();
});

test('the list is bounded, and stands still when asked to', async () => {
  const page = await open(notes, '&below');
  await signIn(page, server);
  await connect(page);
  await put(alice, `${notes}still-1.ttl`);
  await entry(page, 'still-1.ttl').waitFor();
  await button(page, 'Pause').click();
  await put(alice, `${notes}still-2.ttl`);
  await page.getByRole('button', { name: 'Show 1 new' }).waitFor();
  assert.equal(await entry(page, 'still-2.ttl').count(), 0);
  await page.getByRole('button', { name: 'Show 1 new' }).click();
  await entry(page, 'still-2.ttl').waitFor();
  await page.getByLabel('Show only what contains').fill('still-1');
  assert.deepEqual([await entry(page, 'still-1.ttl').isVisible(), await entry(page, 'still-2.ttl').isVisible()], [true, false]);
  await page.getByLabel('Show only what contains').fill('');
  for (let i = 0; i < 510; i += 1) await put(alice, `${notes}many.ttl`, `<#it> <http://purl.org/dc/terms/title> "${i}" .`);
  await page.getByText('The newest 500 are kept here').waitFor();
  await until(async () => (await page.locator('.entries > li').count()) === 500, 'no more than 500');
  await button(page, 'Clear').click();
  assert.equal(await page.locator('.entries > li').count(), 0);
});

test('the line for a terminal and the code say what was chosen', async () => {
  const page = await open(`${notes}it's.ttl`, '&how=eventsource');
  const same = page.locator('.same');
  await same.getByText(`podbell watch --type eventsource '${notes}it'\\''s.ttl'`, { exact: true }).waitFor();
  await page.getByLabel('Folder or document').fill(notes);
  await page.getByLabel('Everything below').check();
  await same.getByText(`podbell watch --type eventsource --recursive ${notes}`, { exact: true }).waitFor();
  const code = await same.locator('code').last().textContent();
  assert.match(code, /recursive: true/);
  assert.match(code, /transports: \['eventsource'\]/);
  assert.ok(code.includes(`subscribe('${notes}'`));
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [1200, 320]) {
    test(`axe finds nothing grave, and nothing is wider than the window: ${colorScheme}, ${width} px`, async () => {
      const page = await open(notes, '&below');
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const look = async (what) => {
        await axe(page, what);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} fits`);
      };
      await look('at first');
      await signIn(page, server);
      await button(page, 'Browse').click();
      await page.locator('.members button').first().waitFor();
      await look('browsing');
      await connect(page);
      await page.getByText('The channel', { exact: true }).click();
      await button(page, 'Create').click();
      await entry(page, 'podbell-test-').first().waitFor();
      await entry(page, 'podbell-test-').first().locator('summary').click();
      await page.waitForTimeout(0);
      await look('listening');
      await button(page, 'Delete').click();
      await button(page, 'Disconnect').click();
      await said(page, 'Disconnected.');
      await look('disconnected');
    });
  }
}
