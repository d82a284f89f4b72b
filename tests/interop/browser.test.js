// A person logs in to an app in a real browser: @inrupt/solid-client-authn-browser against the provider's pages.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import * as browsed from './browser.js';
import { launch, serveApp } from './browser.js';
import { login, logout, put, putAcl } from './clients.js';
import { start } from './server.js';

let server, app, browser, owner, topic;
before(async () => {
  [server, app, browser] = await Promise.all([start(), serveApp(), launch()]);
  owner = await login(server, 'alice');
  topic = `${server.users.alice.root}browser/private`;
  await put(owner, topic, '<#it> <http://purl.org/dc/terms/title> "private words" .');
  await putAcl(owner, topic, server.users.alice.webid, []);
});
after(async () => {
  await logout(owner);
  await browser?.close();
  await app?.close();
  await server?.stop();
});

let context, page;
beforeEach(async () => {
  // Cookies and storage of nobody before.
  context = await browser.newContext();
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
});
afterEach(() => context?.close());

const back = () => browsed.back(page, app);
const arrive = (options) => browsed.arrive(page, app, server, options);
const fill = (password, name) => browsed.fill(page, password, name);
const logIn = (options) => browsed.logIn(page, app, server, options);

const info = () => page.evaluate(() => window.app.info());
const read = (how, url = topic) => page.evaluate(([how, url]) => window.app[how](url), [how, url]);

for (const [name, options] of [
  ['that registers itself', () => ({})],
  ['with a client identifier document', () => ({ clientId: app.id })],
]) {
  describe(`an app ${name}`, () => {
    test('logs a person in, reads what is private, and hears a change', async () => {
      await logIn(options());
      const { isLoggedIn, webId, clientAppId } = await info();
      assert.deepEqual({ isLoggedIn, webId }, { isLoggedIn: true, webId: server.users.alice.webid });
      if (options().clientId) assert.equal(clientAppId, app.id);
      const { status, text } = await read('fetch');
      assert.equal(status, 200);
      assert.match(text, /private words/);
      assert.equal((await read('anonymous')).status, 401);

      await page.evaluate((topic) => window.app.listen(topic), topic);
      await put(owner, topic, '<#it> <http://purl.org/dc/terms/title> "private words, changed" .');
      await page.waitForFunction(() => window.app.heard.length);
      const heard = await page.evaluate(() => window.app.heard);
      assert.equal(heard[0].object.id ?? heard[0].object, topic);
    });

    test('renews its token with a refresh token', async () => {
      // The package renews shortly before the end of a token: its timer is pressed by hand.
      await page.addInitScript(() => {
        const real = window.setTimeout;
        window.later = [];
        window.setTimeout = (what, wait, ...rest) =>
          wait > 60_000 ? window.later.push(() => what(...rest)) : real(what, wait, ...rest);
      });
      await logIn(options());
      const renewed = page.waitForResponse((response) => response.url() === `${server.issuer}.oidc/token`);
      await page.evaluate(() => window.later.forEach((what) => what()));
      const answer = await renewed;
      assert.equal(new URLSearchParams(answer.request().postData()).get('grant_type'), 'refresh_token');
      assert.equal(answer.status(), 200, await answer.text());
      await page.waitForFunction(() => window.app.events.some(({ event }) => event === 'sessionExtended'));
      assert.equal((await read('fetch')).status, 200);
    });

    test('finds the person again after it was closed, without asking, until they log out at the provider', async () => {
      await logIn(options());
      await page.goto(`${app.origin}/?restore`);
      await page.waitForFunction(() => window.app?.info().isLoggedIn);
      assert.equal((await read('fetch')).status, 200);

      await page.waitForLoadState('load');
      const returned = page.waitForEvent('load');
      await page.evaluate((to) => void window.app.logout({ logoutType: 'idp', postLogoutUrl: to }), `${app.origin}/`);
      // A registered place to return to, or a page that says that one is logged out.
      await returned;
      assert.ok((await context.cookies()).every(({ name }) => !/podbell/.test(name)), 'the cookie is gone');
      await page.goto(`${app.origin}/`);
      await back();
      assert.equal((await info()).isLoggedIn, false);
      assert.equal((await read('fetch')).status, 401);
      // Who is sent there again must give the password again.
      await arrive(options());
    });
  });
}

describe('the pages', () => {
  test('say that a password is wrong, give no code for it, and take the right one then', async () => {
    await arrive();
    await fill('not the password');
    await page.getByRole('alert').filter({ hasText: 'Name or password is wrong.' }).waitFor();
    assert.equal(new URL(page.url()).origin, new URL(server.issuer).origin);
    assert.equal(new URL(page.url()).searchParams.get('code'), null);
    assert.equal(await page.getByLabel('Name').inputValue(), 'alice');
    assert.equal(await page.getByLabel('Password').inputValue(), '');
    await fill(server.users.alice.password);
    await page.getByRole('button', { name: 'Allow' }).click();
    await back();
    assert.equal((await info()).isLoggedIn, true);
  });

  test('tell the app when the person denies', async () => {
    await arrive();
    await fill(server.users.alice.password);
    const denied = page.waitForRequest((request) => new URL(request.url()).searchParams.has('error'));
    await page.getByRole('button', { name: 'Deny' }).click();
    const sent = new URL((await denied).url()).searchParams;
    assert.equal(sent.get('error'), 'access_denied');
    assert.equal(sent.get('code'), null);
    assert.equal(sent.get('iss'), server.issuer);
    await back();
    assert.equal((await info()).isLoggedIn, false);
    assert.equal((await read('fetch')).status, 401);
  });

  test('let the person take another account', async () => {
    await arrive();
    await fill(server.users.bob.password, 'bob');
    await page.getByRole('button', { name: 'Use another account' }).click();
    await fill(server.users.alice.password);
    await page.getByText(server.users.alice.webid).waitFor();
  });

  test('cannot be framed, and a form on another site logs nobody in', async () => {
    await arrive();
    const form = await page.evaluate(() => ({
      action: document.forms[0].getAttribute('action'),
      csrf: document.forms[0].elements.csrf.value,
    }));
    const fields = { csrf: form.csrf, action: 'login', name: 'alice', password: server.users.alice.password };
    await page.goto(`${app.origin}/`);
    const refused = page.waitForEvent('console', (message) => /frame/i.test(message.text()) && message.type() === 'error');
    await page.evaluate((src) => document.body.append(Object.assign(document.createElement('iframe'), { src })), form.action);
    await refused;
    assert.ok(page.frames().every((frame) => !frame.url().startsWith(server.issuer)), 'the frame holds an error page');

    // A neighbour on this machine is of the same site: the browser sends the cookie along.
    for (const origin of [app.origin, app.origin.replace('127.0.0.1', 'localhost')]) {
      await page.goto(`${origin}/`);
      const answered = page.waitForResponse((response) => response.request().method() === 'POST');
      await page.evaluate(
        ([action, fields]) => {
          const form = document.createElement('form');
          form.setAttribute('method', 'post');
          form.setAttribute('action', action);
          for (const [name, value] of Object.entries(fields)) {
            form.append(Object.assign(document.createElement('input'), { name, value }));
          }
          document.body.append(form);
          HTMLFormElement.prototype.submit.call(form);
        },
        [form.action, fields],
      );
      assert.equal((await answered).status(), 303, origin);
      await page.getByRole('heading', { name: 'Log in' }).waitFor();
    }
  });
});
