// Both pages of the console for whoever uses them by keyboard, in a narrow window, in the dark, with colours of their own, or
// without anything that moves: every view, and every dialog.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { put, request } from './clients.js';
import { axe, signIn } from './console.js';
import { button, connect, entry, said as stands } from './console-page.js';
import { alices, giveUp, group, here, listed, prepare, receiver, row, server, visitor } from './owner.js';
import { subscribe } from './receivers/subscribing.js';
import { until } from './server.js';

prepare();

const LONG = 'Evangelina Papadopoulou-Featherstonehaugh of the Lower Riverside Allotments';

/** Each way to look: in the light and the dark, wide and narrow; and with a person's own colours. */
async function looked(page, what) {
  for (const colours of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { colorScheme: 'dark', forcedColors: 'active' }]) {
    await page.emulateMedia({ forcedColors: 'none', ...colours });
    for (const width of [1200, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const which = `${what}, ${Object.values(colours).join(' ')}, ${width} px`;
      // Colours that people choose themselves are theirs, and axe does not see them.
      await axe(page, which, colours.forcedColors ? ['color-contrast'] : []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${which}: nothing is too wide`);
      const dialog = page.getByRole('dialog');
      if (await dialog.count()) assert.ok(await dialog.evaluate((one) => one.scrollWidth <= one.clientWidth), `${which}: the dialog`);
    }
  }
  await page.emulateMedia({ forcedColors: 'none', colorScheme: 'light' });
  await page.setViewportSize({ width: 1200, height: 800 });
}

/** Opens a dialog by a button and the keyboard; `inside` is done there. Escape leads back to where one was. */
async function throughDialog(page, opener, inside) {
  await opener.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  assert.ok(await dialog.evaluate((one) => one.contains(document.activeElement)), 'one is in it');
  await inside(dialog);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.ok(await opener.evaluate((one) => one === document.activeElement), 'one is back where one was');
}

test('signing in: the dialog, and what is said there, on both pages', async () => {
  for (const at of ['/', '/notifications.html']) {
    const page = await visitor.open(at);
    const opener = page.getByRole('banner').getByRole('button', { name: 'Sign in' });
    await looked(page, `${at} signed out`);
    await throughDialog(page, opener, async (dialog) => {
      await looked(page, `${at} the dialog`);
      await dialog.getByLabel('Your identity provider').fill('');
      await page.keyboard.press('Enter');
      await dialog.getByRole('alert').filter({ hasText: 'Which provider knows you?' }).waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.id), 'sign-in-issuer');
      await looked(page, `${at} a complaint`);
    });
    await page.close();
  }
});

test('the owner’s view: nobody, everybody, what was given up, and the questions', async () => {
  const page = await alices();
  await page.getByText('Nobody listens.').waitFor();
  await looked(page, 'nobody');
  const c = await here.container();
  await subscribe(here.bob, server, 'WebhookChannel2023', { topic: c, recursive: true, sendTo: receiver.url('/access') });
  const already = receiver.arrived.length;
  await put(here.alice, `${c}a`);
  await receiver.arrives(already + 1);
  await until(async () => (await listed()).some((one) => one['urn:podbell:terms#lastFailureReason']), 'the failure is known');
  await giveUp();
  await row(page, 'Webhook', 'dead letter').waitFor({ timeout: 30_000 });
  for (const by of ['App', 'Resource', 'Person']) {
    await page.getByRole('radio', { name: by }).check();
    await row(page, 'Webhook').waitFor();
    await looked(page, `by ${by}`);
  }
  await throughDialog(page, row(page, 'Webhook').getByRole('button', { name: '1 dead letter' }), async (dialog) => {
    await dialog.getByText(/given up/).waitFor();
    await dialog.getByText('The last attempts').click();
    await dialog.getByRole('cell').first().waitFor();
    await looked(page, 'dead letters');
  });
  await throughDialog(page, row(page, 'Webhook').getByRole('button', { name: /^End/ }), () => looked(page, 'end one?'));
  await throughDialog(page, group(page, 'bob').getByRole('button', { name: /^End all/ }), () => looked(page, 'end all?'));
  await page.getByText('As a table').click();
  await page.getByLabel('Find').fill('nobody of that name');
  await page.getByText('None of the listeners is like that.').waitFor();
  await looked(page, 'nothing found, the table open');
});

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
    await stands(page, 'Waiting to come back');
    await looked(page, 'waiting');
  });
  await here.logIn();
  await entry(page, 'Connected again').waitFor();
  await stands(page, 'Connected since');
  const channel = await page.locator('.facts code').first().getAttribute('title');
  await request(here.alice, 'DELETE', channel);
  await stands(page, 'the channel is gone');
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

test('one goes through each page from its head to its foot, and whose name is long is still there', async () => {
  const profile = server.users.alice.webid.replace(/#.*/, '');
  const { body_text: before } = await request(here.alice, 'GET', profile, undefined, { Accept: 'text/turtle' });
  await put(here.alice, profile, `${before}\n<#me> <http://www.w3.org/2006/vcard/ns#fn> "${LONG}" ; <http://xmlns.com/foaf/0.1/name> "${LONG}" .`);
  const first = await alices();
  for (const at of ['/', '/notifications.html']) {
    const page = at === '/' ? first : await visitor.open(at);
    const who = page.locator('.who');
    await who.filter({ hasText: 'Papadopoulou' }).waitFor();
    assert.equal(await who.getAttribute('title'), server.users.alice.webid, 'the WebID stays on demand');
    await looked(page, `${at} with a long name`);
    await page.evaluate(() => document.activeElement.blur());
    const stops = [];
    for (let turn = 0; turn < 80 && stops.at(-1) !== 'FOOTER What the log-in offers'; turn += 1) {
      await page.keyboard.press('Tab');
      stops.push(await page.evaluate(() => {
        const { activeElement: one } = document;
        return `${one.closest('header, main, footer')?.localName.toUpperCase()} ${one.textContent.trim().slice(0, 40)}`;
      }));
    }
    assert.deepEqual(stops.slice(0, 4), ['HEADER Podbell', 'HEADER Who listens', 'HEADER Hear it ring', 'HEADER Sign out']);
    assert.deepEqual(stops.slice(-3), ['FOOTER Your account', 'FOOTER What the pods offer', 'FOOTER What the log-in offers']);
    assert.ok(stops.slice(4, -3).every((stop) => stop.startsWith('MAIN')), stops.join('\n'));
    assert.match(await page.locator('footer').textContent(), /^Podbell \d+\.\d+\.\d+/);
    const account = await page.getByRole('link', { name: 'Your account' }).getAttribute('href');
    assert.equal(account, `${server.issuer}account`);
  }
});
