// Who is signed in to the console: through the provider's own pages, kept over reloads, shared by tabs, and let go.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fill, launch } from './browser.js';
import { axe, signIn, visit } from './console.js';
import { start } from './server.js';

let server, browser, visitor;
before(async () => {
  [server, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  visitor = await visit(browser, server);
});
afterEach(() => visitor.clean());

const signedIn = (page) => page.getByRole('button', { name: 'Sign out' });
const signedOut = (page) => page.getByRole('banner').getByRole('button', { name: 'Sign in' });

for (const at of ['/', '/notifications.html']) {
  test(`a person signs in on ${at}, stays signed in over a reload, and signs out`, async () => {
    const page = await visitor.open(at);
    await signIn(page, server);
    const left = [...new URL(page.url()).searchParams.keys()];
    assert.ok(!left.some((name) => ['code', 'state', 'iss'].includes(name)), 'the code is gone from the address');
    const who = page.locator('.who');
    assert.equal(await who.getAttribute('title'), server.users.alice.webid);
    await page.reload();
    await signedIn(page).waitFor();
    assert.equal(await who.getAttribute('title'), server.users.alice.webid);
    await signedIn(page).click();
    await signedOut(page).waitFor();
    await page.reload();
    await signedOut(page).waitFor();
  });
}

test('what stood behind the path is there again after signing in', async () => {
  const topic = `?topic=${encodeURIComponent(server.users.alice.root)}`;
  const page = await visitor.open(`/notifications.html${topic}`);
  await signIn(page, server);
  assert.equal(new URL(page.url()).searchParams.get('topic'), server.users.alice.root);
});

test('tabs share a sign-in, take turns with its refresh token, and sign out together', async () => {
  const one = await visitor.open('/notifications.html');
  const two = await visitor.open('/notifications.html');
  await signIn(one, server);
  await signedIn(two).waitFor();
  await Promise.all([one.reload(), two.reload()]);
  await Promise.all([signedIn(one).waitFor(), signedIn(two).waitFor()]);
  await signedIn(two).click();
  await signedOut(one).waitFor();
});

test('a provider that is none, a name that is none, and a person who denies are told in words', async () => {
  const page = await visitor.open('/notifications.html');
  await signedOut(page).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in' });
  const issuer = dialog.getByLabel('Your identity provider');
  assert.equal(await issuer.inputValue(), server.issuer);
  for (const [named, words] of [
    ['', /address is needed/],
    ['https://', /is no address/],
    ['javascript:alert(1)', /is no address/],
    [server.base, /does not answer as an identity provider/],
  ]) {
    await issuer.fill(named);
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').filter({ hasText: words }).waitFor();
  }
  // As people type it.
  await issuer.fill(new URL(server.issuer).host);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await fill(page, server.users.alice.password);
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByRole('banner').getByRole('alert').filter({ hasText: 'it was not allowed' }).waitFor();
  await signedOut(page).waitFor();
});

test('an answer to a sign-in that was not begun here signs nobody in', async () => {
  const page = await visitor.open(`/notifications.html?code=stolen&state=made-up&iss=${encodeURIComponent(server.issuer)}`);
  await page.getByRole('alert').filter({ hasText: 'was not begun here' }).waitFor();
  await signedOut(page).waitFor();
  assert.equal(new URL(page.url()).search, '');
});

for (const colorScheme of ['light', 'dark']) {
  test(`the dialog is free of what axe finds grave, ${colorScheme}`, async () => {
    const page = await visitor.open('/notifications.html');
    await page.emulateMedia({ colorScheme });
    await signedOut(page).click();
    await page.getByRole('dialog').waitFor();
    await axe(page, 'the dialog');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await axe(page, 'signed out');
  });
}
