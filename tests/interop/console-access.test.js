// What both pages of the console have, head, foot and signing in, for whoever uses them by keyboard, in a narrow window, in the
// dark, or with colours of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looked, throughDialog } from './access.js';
import { put, request } from './clients.js';
import { alices, here, prepare, server, visitor } from './owner.js';

prepare();

const LONG = 'Evangelina Papadopoulou-Featherstonehaugh of the Lower Riverside Allotments';

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
