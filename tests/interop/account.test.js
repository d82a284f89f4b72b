// A person who was invited, in a real browser: an account, an app, credentials for a program, and their end.
import { Session } from '@inrupt/solid-client-authn-node';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, serveApp } from './browser.js';
import { logout } from './clients.js';
import { binary, start } from './server.js';

let server, app, browser, page;
before(async () => {
  [server, app, browser] = await Promise.all([start(), serveApp(), launch()]);
  page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(15_000);
});
after(async () => {
  await browser?.close();
  await app?.close();
  await server?.stop();
});

const account = async (...args) => {
  const place = ['--data', server.data, '--base-url', server.base];
  return (await promisify(execFile)(binary, ['account', ...args, ...place])).stdout.trim();
};
const press = (name) => page.getByRole('button', { name }).click();

async function program(clientId, clientSecret) {
  const session = new Session({ keepAlive: false });
  await session.login({ oidcIssuer: server.issuer, clientId, clientSecret }).catch(() => {});
  return session;
}

test('an invitation becomes an account whose person uses an app and gives a program its credentials', async () => {
  const invitation = await account('invite', '--for', 'carol');
  const webid = `${server.base}carol/profile/card#me`;
  const password = 'a horse and a battery';
  const problems = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));

  await page.goto(invitation);
  assert.equal(await page.getByLabel('Name').inputValue(), 'carol');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Password once more').fill(password);
  await press('Make the account');
  await page.getByText('Your account and your pod are ready').waitFor();
  assert.ok(await page.getByRole('link', { name: webid }).isVisible());
  assert.deepEqual(problems, [], 'nothing on the pages breaks their own policy');
  await page.goto(invitation);
  await page.getByRole('heading', { name: 'No invitation' }).waitFor();

  // The session is the provider's own: the app needs consent only.
  await page.goto(`${app.origin}/`);
  await page.waitForFunction(() => window.app?.ready);
  const sent = { oidcIssuer: server.issuer, clientName: 'App of <b>Carol</b>' };
  await page.evaluate((sent) => void window.app.login(sent), sent);
  await press('Allow');
  await page.waitForURL((url) => url.origin === app.origin);
  await page.waitForFunction(() => window.app?.ready && window.app.info().isLoggedIn);
  assert.equal((await page.evaluate(() => window.app.info())).webId, webid);
  const topic = `${server.base}carol/`;
  assert.equal((await page.evaluate((topic) => window.app.fetch(topic), topic)).status, 200);

  await page.goto(`${server.issuer}account`);
  await page.getByText('App of <b>Carol</b>').waitFor();
  await page.getByLabel('Name of the program').fill('A bot & <i>more</i>');
  await press('Make credentials');
  const [id, secret] = await Promise.all(['#client-id', '#client-secret'].map((at) => page.locator(at).textContent()));
  const bot = await program(id, secret);
  assert.deepEqual([bot.info.isLoggedIn, bot.info.webId], [true, webid]);
  const note = `${topic}note.txt`;
  const put = await bot.fetch(note, { method: 'PUT', body: 'by a program', headers: { 'Content-Type': 'text/plain' } });
  assert.equal(put.status, 201);
  await logout(bot);

  await press('Revoke A bot & <i>more</i>');
  await page.getByText('The credentials are revoked').waitFor();
  assert.equal((await program(id, secret)).info.isLoggedIn, false);

  await press('Withdraw App of <b>Carol</b>');
  await page.getByText('No app has access').waitFor();

  await press('Log out everywhere');
  await page.getByRole('heading', { name: 'Logged out everywhere' }).waitFor();
  assert.ok((await page.context().cookies()).every(({ name }) => !/podbell/.test(name)), 'the cookie is gone');
  await page.goto(`${server.issuer}account`);
  await page.getByLabel('Name').fill('carol');
  await page.getByLabel('Password').fill(password);
  await press('Log in');
  await page.getByRole('heading', { name: 'carol' }).waitFor();
  assert.match(await account('list'), new RegExp(`^carol\t${webid}$`, 'm'));
});
