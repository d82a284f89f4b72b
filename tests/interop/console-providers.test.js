// Providers differ: in how they are called, in how an application says who it is, in refresh tokens, and in where the
// WebID stands. The console takes all that the specifications allow, and says what it cannot do without.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { visit } from './console.js';
import { button } from './console-page.js';
import { provider } from './providers.js';
import { start } from './server.js';

const WEBID = 'https://carol.example/profile/card#me';

let server, browser;
before(async () => {
  [server, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page on which somebody has named a provider of this kind; `typed` makes of its name what a person types. */
async function going(t, kind, typed = (issuer) => issuer) {
  const other = await provider(kind);
  const visitor = await visit(browser, server, { others: [other.origin] });
  t.after(() => visitor.clean().finally(() => other.close()));
  const page = await visitor.open('/notifications.html');
  await page.getByRole('banner').getByRole('button', { name: 'Sign in' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your identity provider').fill(typed(other.issuer));
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  return { page, other };
}

/** She is signed in, and still is after reloads, each of which takes a new token. */
async function stays(page, other) {
  for (let turn = 0; turn < 3; turn += 1) {
    await button(page, 'Sign out').waitFor();
    assert.equal(await page.locator('.who').getAttribute('title'), WEBID);
    if (turn < 2) await page.reload();
  }
  assert.deepEqual(other.asked.map((one) => one.grant_type), ['authorization_code', 'refresh_token', 'refresh_token']);
}

for (const [what, kind, typed] of [
  ['whose name has a path, typed with a slash that it lacks', { name: '/realms/one' }, (issuer) => `${issuer}/`],
  ['whose name has a path, typed without the slash that it has', { name: '/realms/one/' }, (issuer) => issuer.slice(0, -1)],
  ['whose refresh tokens are good for ever', { rotates: false }],
  ['whose ID tokens have a WebID of their own beside the subject', { claims: { sub: 'carol', webid: WEBID } }],
]) {
  test(`a provider ${what}`, async (t) => {
    const { page, other } = await going(t, { claims: { sub: WEBID }, ...kind }, typed);
    await stays(page, other);
  });
}

for (const [method, check] of [
  ['client_secret_basic', (one) => assert.deepEqual([atob(one.authorization.slice('Basic '.length)), one.client_secret], ['client:hush', undefined])],
  ['client_secret_post', (one) => assert.deepEqual([one.authorization, one.client_id, one.client_secret], [undefined, 'client', 'hush'])],
  ['none', (one) => assert.deepEqual([one.authorization, one.client_id, one.client_secret], [undefined, 'client', undefined])],
]) {
  test(`a provider that gives a secret, to be used by ${method}`, async (t) => {
    const registration = { client_secret: 'hush', client_secret_expires_at: 0, token_endpoint_auth_method: method };
    const { page, other } = await going(t, { claims: { sub: WEBID }, registration });
    await stays(page, other);
    other.asked.forEach(check);
  });
}

test('a provider that names no WebID signs nobody in, and that is said', async (t) => {
  const { page } = await going(t, { claims: { sub: 'carol' } });
  await page.getByRole('alert').filter({ hasText: 'did not say with which WebID' }).waitFor();
  await page.getByRole('banner').getByRole('button', { name: 'Sign in' }).waitFor();
});
