// The owner's view in a real browser, on a real server: everything that listens is shown rightly, by whichever door it
// came; what is ended has ended; nobody sees what is another's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channel, inrupt, put } from './clients.js';
import { signIn } from './console.js';
import { alices, group, here, keep, legacy, live, prepare, press, receiver, row, rows, said, server, told, visitor } from './owner.js';
import { subscribe } from './receivers/subscribing.js';
import { podbell, until } from './server.js';

prepare();

test('everybody who listens is shown: who, with which app, on what, and how', async () => {
  const c = await here.container();
  const [a, open] = [`${c}a`, `${c}open`];
  await put(here.alice, open);
  await here.open(open);
  keep(await channel(here.bob, a));
  keep(await inrupt(here.bob, a));
  keep(await legacy(here.bob, a));
  keep(await here.socket(here.bob, c));
  keep(await live(here.bob, a));
  keep(await channel({ fetch }, open));
  await subscribe(here.bob, server, 'WebhookChannel2023', { topic: a, sendTo: receiver.url('/in'), recursive: true });
  await subscribe(here.alice, server, 'EventSourceChannel2023', { topic: here.root, recursive: true, activityType: ['Create', 'Delete'] });
  await put(here.alice, a);
  await until(() => receiver.arrived.length > 0, 'it is sent');

  const page = await alices();
  await row(page, 'Webhook').waitFor();
  const name = a.slice(here.root.length);
  const bobs = group(page, 'bob');
  assert.match(await bobs.locator('.head').textContent(), new RegExp(`${server.users.bob.webid}.*6 listeners`));
  for (const way of ['WebSocket', 'WebSocket of ESS', 'WebSocket of solid-0.1', 'Event stream']) {
    const found = bobs.locator('.listener', { has: page.getByText(way, { exact: true }) }).filter({ hasText: name });
    assert.match(await found.textContent(), /connected now.*since .*last delivered/, way);
  }
  const lws = bobs.locator('.listener', { has: page.getByText('WebSocket of Linked Web Storage', { exact: true }) });
  assert.match(await lws.textContent(), new RegExp(`${c.slice(here.root.length)} and everything below.*connected now`));
  const hook = bobs.locator('.listener', { hasText: 'Webhook' });
  await hook.getByText(/refused with 500/).waitFor();
  assert.match(await hook.textContent(), /Failing since .*: refused with 500, next attempt .*1 waiting/);
  assert.ok(!(await page.locator('main').textContent()).includes(receiver.url('/in')), 'where it is pushed to is its maker’s business');
  assert.match(await group(page, 'Anybody').locator('.listener').textContent(), new RegExp(`${open.slice(here.root.length)}.*Unknown app.*connected now`));
  const own = group(page, 'alice').locator('.listener');
  assert.match(await own.textContent(), /everything in the storage.*Event stream.*only Create, Delete.*not connected/);
  assert.equal(await own.locator('time').first().getAttribute('datetime').then((at) => Number.isNaN(Date.parse(at))), false);

  await page.getByRole('radio', { name: 'Resource' }).check();
  assert.equal(await group(page, name).filter({ hasText: /5 listeners/ }).count(), 1, 'five listen to the document');
  await page.getByRole('radio', { name: 'App' }).check();
  assert.match(await group(page, 'Unknown app').textContent(), /Anybody/);
  await page.getByLabel('Find').fill('solid-0.1 bob');
  await page.getByText(/^1 of 8 listeners$/).waitFor();
  assert.equal(await rows(page).count(), 1);
  await page.getByLabel('Find').fill('nobody of that name');
  await page.getByText('None of the listeners is like that.').waitFor();
});

test('one is ended: its connection closes, its row goes, and what was done is said', async () => {
  const c = await here.container();
  const one = keep(await channel(here.bob, `${c}a`));
  const other = keep(await channel(here.bob, c));
  const page = await alices();
  const mine = rows(page).filter({ has: page.getByText(`${c.slice(here.root.length)}a`, { exact: true }) });
  await mine.getByRole('button', { name: /^End/ }).click();
  const dialog = page.getByRole('dialog', { name: 'End this listener of bob?' });
  await dialog.getByText('withdraw Read').waitFor();
  await press(page, 'Cancel');
  assert.equal(one.closed, false);
  // By keyboard alone; Enter on Cancel ends nothing.
  const button = mine.getByRole('button', { name: /^End/ });
  assert.ok(await button.evaluate((one) => one === document.activeElement), 'one is back where one was');
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(one.closed, false);
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await until(() => one.closed, 'the socket is closed');
  await mine.waitFor({ state: 'detached' });
  await said(page).filter({ hasText: /^Ended: WebSocket of bob/ }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'listeners-title');
  assert.equal(other.closed, false);
  assert.equal(await rows(page).count(), 1);
});

test('all of a person are ended, whichever way they listen, and nobody else is', async () => {
  const c = await here.container([server.users.bob.webid, server.users.eve.webid]);
  const bobs = [await channel(here.bob, `${c}a`), await inrupt(here.bob, `${c}a`), await legacy(here.bob, `${c}a`), await here.socket(here.bob, c), await live(here.bob, `${c}a`)].map(keep);
  const eves = keep(await channel(here.eve, `${c}a`));
  const page = await alices();
  // What is filtered away ends too, and is counted.
  await page.getByLabel('Find').fill('bob solid-0.1');
  await group(page, 'bob').getByRole('button', { name: /^End all/ }).click();
  await page.getByRole('dialog', { name: 'End all of bob?' }).getByText('5 listeners').waitFor();
  await press(page, 'End all');
  await said(page).filter({ hasText: 'Ended 5 listeners of bob.' }).waitFor();
  // A socket of solid-0.1 has other topics too; it is told of the loss of this one.
  const isOver = (client) => client.closed || client.heard?.some?.((line) => String(line).startsWith('err '));
  await until(() => bobs.every(isOver), 'all of bob’s are closed');
  await page.getByLabel('Find').fill('');
  await group(page, 'eve').waitFor();
  assert.equal(await rows(page).count(), 1);
  assert.equal(eves.closed, false);
  await put(here.alice, `${c}a`);
  await until(() => eves.heard.length > 0, 'eve still hears');
});

test('all of an app are ended, whoever uses it', async () => {
  const c = await here.container([server.users.bob.webid, server.users.eve.webid]);
  const app = { client_id: 'https://app.example/id' };
  const theirs = [await told({ ...app, sub: server.users.bob.webid }, c), await told({ ...app, sub: server.users.eve.webid }, c)];
  const other = keep(await channel(here.bob, `${c}a`));
  const page = await alices('/?by=app');
  await group(page, 'app.example').getByRole('button', { name: /^End all/ }).click();
  await page.getByRole('dialog', { name: 'End all of app.example?' }).getByText('2 listeners').waitFor();
  await press(page, 'End all');
  await until(() => theirs.every(({ closed }) => closed), 'both are closed');
  await group(page, 'app.example').waitFor({ state: 'detached' });
  assert.equal(other.closed, false);
  assert.equal(await rows(page).count(), 1);
});

test('somebody else sees nothing of alice’s, not even by asking for it', async () => {
  const c = await here.container();
  keep(await channel(here.bob, `${c}a`));
  const page = await visitor.open(`/?storage=${encodeURIComponent(here.root)}`);
  await signIn(page, server, 'bob');
  await page.getByText('Nobody listens.').waitFor();
  const text = await page.locator('main').textContent();
  assert.ok(text.includes(server.users.bob.root));
  assert.ok(!text.includes(c.slice(here.root.length)) && !text.includes(here.root), text);
});

// The last: from here on alice has two.
test('who owns several storages chooses one, and comes back to it', async () => {
  await podbell(server, 'pod', 'create', 'second', '--owner', server.users.alice.webid);
  const second = `${server.base}second/`;
  await subscribe(here.alice, server, 'EventSourceChannel2023', { topic: `${second}in-second` });
  await subscribe(here.alice, server, 'EventSourceChannel2023', { topic: `${here.root}in-first` });
  const page = await alices();
  await rows(page).filter({ hasText: 'in-first' }).waitFor();
  await page.getByLabel('Storage').selectOption(second);
  await rows(page).filter({ hasText: 'in-second' }).waitFor();
  assert.equal(await rows(page).count(), 1);
  await page.reload();
  await rows(page).filter({ hasText: 'in-second' }).waitFor();
  assert.equal(await page.getByLabel('Storage').inputValue(), second);
});
