// What happens in a pod is seen on the console's page as it happens, by each way to listen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { put, remove, request } from './clients.js';
import { signIn } from './console.js';
import { button, connect, entry, heard, said } from './console-page.js';
import { alice, notes, open, server, visitor } from './console-stage.js';
import { until } from './server.js';

test('the storage of who signs in is proposed; what is written elsewhere is shown at once, whole, and can be copied', async () => {
  await visitor.context.grantPermissions(['clipboard-read', 'clipboard-write', ...(process.env.PODBELL_CONSOLE_FROM_DISK ? ['local-network-access'] : [])]);
  const page = await visitor.open('/notifications.html');
  await signIn(page, server);
  const topic = page.getByLabel('Folder or document');
  await until(async () => (await topic.inputValue()) === server.users.alice.root, 'the storage is proposed');
  assert.ok(await page.getByLabel('Everything below').isChecked());
  await connect(page);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Disconnect', 'the focus stays with the button');

  await put(alice, `${notes}a%20<b>.ttl`.replace('<b>', '%3Cb%3E'));
  const created = entry(page, 'Created').first();
  await created.waitFor();
  assert.deepEqual(await heard(page), ['Created notes/a <b>.ttl']);
  await created.locator('summary').click();
  const message = JSON.parse(await created.locator('pre').textContent());
  assert.equal(message.type, 'Create');
  assert.equal(message.object, `${notes}a%20%3Cb%3E.ttl`);
  assert.equal(await created.locator('bdi').getAttribute('title'), `${notes}a <b>.ttl`);

  await put(alice, `${notes}a%20%3Cb%3E.ttl`, '<#it> <http://purl.org/dc/terms/title> "y" .');
  await remove(alice, `${notes}a%20%3Cb%3E.ttl`);
  await until(async () => (await heard(page)).length === 3, 'all three');
  assert.deepEqual((await heard(page)).map((line) => line.split(' ')[0]), ['Created', 'Changed', 'Deleted']);
  await button(page, 'Copy as JSON').click();
  await page.getByText('Copied').first().waitFor();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual(copied.map(({ type }) => type), ['Delete', 'Update', 'Create']);
  // It is read aloud, and not each by itself.
  await page.locator('[aria-live=polite]').filter({ hasText: 'Deleted: notes/a <b>.ttl' }).waitFor({ state: 'attached' });

  await button(page, 'Disconnect').click();
  await said(page, 'Disconnected.');
  const list = await request(alice, 'GET', `${server.base}.notifications/channels/`, undefined, { Accept: 'application/ld+json' });
  await until(async () => !/channels\/[0-9a-f-]{8}/.test((await request(alice, 'GET', list.url, undefined, { Accept: 'application/ld+json' })).body_text), 'the channel is gone');
});

for (const [how, words, recursive] of [
  ['websocket', 'by WebSocket', true],
  ['eventsource', 'by Event stream', true],
  ['streaming', 'by Streaming HTTP', true],
  ['ess', 'by ESS gateway', false],
  ['solid-0.1', 'by solid-0.1', false],
]) {
  test(`one listens by ${how}`, async () => {
    const page = await open(notes, `&how=${how}${recursive ? '&below' : ''}`);
    await signIn(page, server);
    assert.equal(await page.getByLabel('How to listen').inputValue(), how);
    assert.equal(await page.getByLabel('Everything below').isEnabled(), recursive);
    await connect(page);
    await said(page, words);
    await put(alice, `${notes}${how}/deep.ttl`);
    if (recursive) await until(async () => (await heard(page)).includes(`Created ${how}/deep.ttl`), 'what is deep below');
    await put(alice, `${notes}by-${how}.ttl`);
    // These tell of the folder, and of what is in it by the folder.
    await until(async () => (await heard(page)).some((line) => (recursive ? line === `Created by-${how}.ttl` : / notes\/$/.test(line))), 'it is shown');
  });
}

test('whoever connects before the sign-in is taken up again is heard as themselves', async () => {
  const page = await open(notes);
  await signIn(page, server);
  let on;
  const held = new Promise((resolve) => (on = resolve));
  await page.route('**/.oidc/token', async (route) => {
    await held;
    await route.continue();
  });
  await page.reload({ waitUntil: 'domcontentloaded' });
  await button(page, 'Connect').click();
  on();
  await said(page, 'Connected since');
  await put(alice, `${notes}early.ttl`);
  await entry(page, 'early.ttl').waitFor();
});
