// What happens in a pod is seen on the console's page as it happens, by each way to listen, through cuts and to the end.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { launch } from './browser.js';
import { login, logout, put, putAcl, remove, request } from './clients.js';
import { axe, signIn, visit } from './console.js';
import { start, until } from './server.js';

let server, browser, alice, notes, visitor;
before(async () => {
  [server, browser] = await Promise.all([start(), launch()]);
  alice = await login(server, 'alice');
  notes = `${server.users.alice.root}notes/`;
  await put(alice, `${notes}first.ttl`);
});
after(async () => {
  await logout(alice);
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  visitor = await visit(browser, server);
});
afterEach(() => visitor.clean());

const open = (topic, more = '') => visitor.open(`/notifications.html?topic=${encodeURIComponent(topic)}${more}`);
const button = (page, name) => page.getByRole('button', { name, exact: true });
const said = (page, words) => page.locator('.status').filter({ hasText: words }).waitFor();
const connect = async (page) => {
  await button(page, 'Connect').click();
  await said(page, 'Connected since');
};
/** The entries as they are read, the newest first: `Created a.ttl`. */
const shown = (page) =>
  page.locator('.entries > li').evaluateAll((items) => items.map((item) => ['.word', '.object'].map((at) => item.querySelector(at)?.textContent ?? '').join(' ').trim()));
const entry = (page, words) => page.locator('.entries > li').filter({ hasText: words });
/** What was heard, the oldest first. */
const heard = async (page) => (await shown(page)).filter((line) => /^(Created|Changed|Deleted|Added|Removed|Something) /.test(line)).reverse();

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

test('the server is killed and comes back: what was missed is there, nothing twice', async () => {
  for (const how of ['websocket', 'eventsource']) {
    const page = await open(notes, `&below&how=${how}`);
    if (how === 'websocket') await signIn(page, server);
    else await button(page, 'Sign out').waitFor();
    await connect(page);
    const names = Array.from({ length: 8 }, (_, i) => `${how}-${i}.ttl`);
    for (const name of names.slice(0, 3)) await put(alice, `${notes}cut/${name}`);
    await until(async () => (await heard(page)).some((line) => line.endsWith(names[2])), 'before the cut');
    await server.crash();
    for (const name of names.slice(3, 6)) await put(alice, `${notes}cut/${name}`);
    await entry(page, 'Connected again').waitFor();
    for (const name of names.slice(6)) await put(alice, `${notes}cut/${name}`);
    await until(async () => (await heard(page)).some((line) => line.endsWith(names[7])), 'after the cut');
    const mine = (await heard(page)).filter((line) => line.includes(`cut/${how}`));
    assert.deepEqual(mine, names.map((name) => `Created cut/${name}`), how);
    assert.ok(!(await shown(page)).some((line) => line.startsWith('Gap')), 'no gap');
    assert.equal(await entry(page, 'Connection lost').count(), 1);
    await said(page, 'Connected since');
    await page.close();
  }
});

describe('it ends', () => {
  const topic = () => `${server.users.alice.root}shared/with-bob.ttl`;
  const bobs = async () => {
    await put(alice, topic());
    await putAcl(alice, topic(), server.users.alice.webid, [server.users.bob.webid]);
    const page = await open(topic());
    await signIn(page, server, 'bob');
    await connect(page);
    return page;
  };

  test('for bob when Read is withdrawn; what is written then he is not shown, and why he is told', async () => {
    const page = await bobs();
    await putAcl(alice, topic(), server.users.alice.webid, []);
    await said(page, 'you may no longer read this');
    await put(alice, topic(), '<#it> <http://purl.org/dc/terms/title> "secret" .');
    assert.deepEqual(await heard(page), []);
    // Once more, from nothing.
    await button(page, 'Connect').click();
    await said(page, `Ask its owner to give Read to ${server.users.bob.webid}`);
    await axe(page, 'refused');
  });

  test('for bob when the owner ends the channel', async () => {
    const page = await bobs();
    await page.getByText('The channel', { exact: true }).click();
    const channel = await page.locator('.facts code').first().getAttribute('title');
    await request(alice, 'DELETE', channel);
    await said(page, 'the channel is gone');
  });

  test('for whoever signs out, and the channel with it', async () => {
    const page = await bobs();
    await page.getByText('The channel', { exact: true }).click();
    const channel = await page.locator('.facts code').first().getAttribute('title');
    await button(page, 'Sign out').click();
    await said(page, 'You signed out');
    const answer = await alice.fetch(channel);
    assert.ok([404, 410].includes(answer.status), String(answer.status));
  });
});

test('without signing in one hears what is public, and is told what to do where it is not', async () => {
  const topic = `${server.users.alice.root}profile/card`;
  const page = await open(topic);
  await connect(page);
  const before = (await request(alice, 'GET', topic, undefined, { Accept: 'text/turtle' })).body_text;
  await put(alice, topic, `${before}\n<#me> <http://xmlns.com/foaf/0.1/nick> "Al" .`);
  await entry(page, 'Changed').waitFor();
  assert.deepEqual(await heard(page), ['Changed card']);
  await page.locator('.try').filter({ hasText: 'Sign in as somebody who may write' }).waitFor();
  assert.ok(await button(page, 'Create').isDisabled());
  await button(page, 'Disconnect').click();

  await page.getByLabel('Folder or document').fill(notes);
  await button(page, 'Connect').click();
  await said(page, 'Only people who signed in may read this.');
  await axe(page, 'sign in first');
  await page.locator('.status').getByRole('button', { name: /Sign in/ }).click();
  await page.getByRole('dialog').filter({ hasText: 'somebody who may read it' }).waitFor();
});

test('addresses that lead nowhere are told in words', async () => {
  const page = await visitor.open('/notifications.html');
  for (const [typed, words] of [
    ['', 'An address is needed'],
    ['javascript:alert(1)', 'Only addresses of the web'],
    ['https://alice:secret@pod.example/', 'name or password'],
  ]) {
    await page.getByLabel('Folder or document').fill(typed);
    await button(page, 'Connect').click();
    await page.locator('.choose').getByRole('alert').filter({ hasText: words }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'topic');
  }
  // A page that is no pod's.
  await page.getByLabel('Folder or document').fill(`${server.issuer}notifications.html`);
  await button(page, 'Connect').click();
  await page.locator('.status[data-state=closed], .status[data-state=waiting]').waitFor();
});

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
