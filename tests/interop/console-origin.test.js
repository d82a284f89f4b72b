// S20: what pods hold, and pages of anybody else, have no access to the console. Twice over: what is stored in a pod
// runs nowhere, and what runs elsewhere all the same, as if those headers were missing, meets the console's own. The last
// tests take away these, one after the other, and see the attack succeed: each is a real one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { launch } from './browser.js';
import { login, logout, request } from './clients.js';
import { start, until } from './server.js';

/** What an attacker's page tries against the console at `target`; what came of each try is in `window.told`. */
async function attack(target, worker) {
  document.title = 'it runs';
  const told = (window.told = {});
  const attempt = async (name, what) => {
    told[name] = await what().catch((error) => `refused: ${error.name}`);
  };
  const config = `${target}console/config.json`;
  const loaded = (element) =>
    new Promise((resolve, reject) => {
      element.onload = () => resolve('loaded');
      element.onerror = () => reject(new Error('not loaded'));
      document.documentElement.append(element);
    });
  const made = (name, properties) => Object.assign(document.createElementNS('http://www.w3.org/1999/xhtml', name), properties);
  await attempt('reads', async () => (await fetch(config, { credentials: 'include' })).status);
  await attempt('reads a page', async () => (await (await fetch(target, { credentials: 'include' })).text()).length);
  await attempt('takes blindly', async () => (await fetch(config, { mode: 'no-cors', credentials: 'include' })).type);
  await attempt('writes', async () => (await fetch(`${target}console/js/owner.js`, { method: 'PUT', body: 'evil' })).status);
  await attempt('takes a script', () => loaded(made('script', { src: `${target}console/js/element.js`, type: 'text/javascript' })));
  await attempt('takes a module', () => import(`${target}console/js/element.js`).then(() => 'loaded'));
  await attempt('takes an image', () => loaded(made('img', { src: `${target}console/icon.svg` })));
  await attempt('takes it as its service worker', () => navigator.serviceWorker.register(`${target}console/js/owner.js`).then(() => 'registered'));
  await attempt('has a service worker for it', () => navigator.serviceWorker.register(worker, { scope: target }).then(() => 'registered'));
  await attempt('posts a form', async () => {
    const frame = made('iframe', { name: 'posted' });
    const form = made('form', { action: target, method: 'post', target: 'posted' });
    form.append(made('input', { name: 'a', value: 'evil' }));
    document.documentElement.append(frame, form);
    form.submit();
    return 'sent';
  });
  const frame = made('iframe', { name: 'framed', src: target });
  document.documentElement.append(frame);
  window.open(target, 'opened');
  window.opened = window.open(`${target}notifications.html`);
  told.done = true;
}

/** The attacks as a script; stored as such, or in pages of each kind that runs scripts. */
const script = (target, worker) => `(${attack})(${JSON.stringify(target)}, ${JSON.stringify(worker)});`;
const stored = {
  'page.html': ['text/html', (code) => `<!doctype html><title>stored</title><script>${code}</script>`],
  'image.svg': ['image/svg+xml', (code) => `<svg xmlns="http://www.w3.org/2000/svg"><title>stored</title><script><![CDATA[${code}]]></script></svg>`],
  'page.xhtml': [
    'application/xhtml+xml',
    (code) => `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>stored</title></head><body><script><![CDATA[${code}]]></script></body></html>`,
  ],
};

/** Where somebody else's pages are: another site than that of the server. */
async function elsewhere(pages) {
  const server = http.createServer(({ url }, response) => {
    const { pathname, search } = new URL(url, 'http://attacker/');
    const page = pages[pathname]?.(decodeURIComponent(search.slice(1)));
    response.writeHead(page ? 200 : 404, { 'Content-Type': 'text/html' }).end(page ?? 'not found');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => (server.close(), server.closeAllConnections()) };
}

/** The console of `server` without headers of those names, and with others. */
async function stripped(server, names, added = {}) {
  const proxy = http.createServer(async ({ url, method }, response) => {
    const answer = await fetch(new URL(url, server.issuer), { method });
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => !names.includes(name)));
    response.writeHead(answer.status, { ...headers, ...added }).end(Buffer.from(await answer.arrayBuffer()));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return { target: `http://127.0.0.1:${proxy.address().port}/`, close: () => (proxy.close(), proxy.closeAllConnections()) };
}

const PUBLIC = (at, owner) => `@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>.
<#o> a acl:Authorization; acl:agent <${owner}>; acl:accessTo <${at}>; acl:default <${at}>; acl:mode acl:Read, acl:Write, acl:Control .
<#all> a acl:Authorization; acl:agentClass foaf:Agent; acl:accessTo <${at}>; acl:default <${at}>; acl:mode acl:Read .`;

for (const [layout, args] of [
  ['pods below one origin', []],
  ['pods at origins of their own', ['--subdomains']],
]) {
  describe(layout, () => {
    let server, owner, browser, target, at, attacker, secret;
    before(async () => {
      [server, browser] = await Promise.all([start(...args), launch()]);
      owner = await login(server, 'alice');
      target = server.issuer;
      at = `${server.users.alice.root}attacks/`;
      await request(owner, 'PUT', at, '', { 'Content-Type': 'text/turtle' });
      await request(owner, 'PUT', `${at}.acl`, PUBLIC(at, server.users.alice.webid), { 'Content-Type': 'text/turtle' });
      const code = script(target, `${at}worker.js`);
      for (const [name, [type, page]] of Object.entries(stored)) await request(owner, 'PUT', at + name, page(code), { 'Content-Type': type });
      await request(owner, 'PUT', `${at}worker.js`, 'onfetch = (event) => event.respondWith(new Response("evil"))', { 'Content-Type': 'text/javascript' });
      const framing = Object.keys(stored).map((name) => `<iframe src="${at}${name}"></iframe><object data="${at}${name}"></object>`);
      attacker = await elsewhere({
        '/attack': (target) => `<!doctype html><script>${script(target, '/worker.js')}</script>`,
        '/frames': () => `<!doctype html>${framing.join('')}`,
      });
    });
    after(async () => {
      attacker?.close();
      await logout(owner);
      await browser?.close();
      await server?.stop();
    });

    /** A browser in which the console holds something of its person's. */
    async function victim() {
      const context = await browser.newContext();
      await context.grantPermissions(['local-network-access']);
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      await page.goto(target);
      secret = `secret of ${layout}`;
      await page.evaluate((secret) => localStorage.setItem('secret', secret), secret);
      await page.close();
      return context;
    }

    /** Whatever was tried, the console is as it was, nobody stands before it, and it still has what it held. */
    async function isUnharmed(context) {
      const page = await context.newPage();
      const answer = await page.goto(target);
      assert.equal(answer.status(), 200);
      assert.equal(answer.fromServiceWorker(), false);
      assert.equal(await page.evaluate(() => navigator.serviceWorker.controller), null);
      assert.equal(await page.evaluate(() => localStorage.getItem('secret')), secret);
      const owners = await page.evaluate(() => fetch('/console/js/owner.js').then((answer) => answer.text()));
      assert.ok(!owners.includes('evil'));
      await page.close();
    }

    /** Runs the attacks of a page and says what came of them. */
    async function attacks(context, url, at = target, patience = 15) {
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      await page.goto(url);
      await page.waitForFunction(() => window.told?.done);
      const framed = await until(() => page.frames().find((frame) => frame.name() === 'framed'), 'there is a frame');
      await framed.waitForLoadState();
      const opened = await until(() => context.pages().find((page) => page.url() === `${at}notifications.html`), 'it is opened');
      await opened.waitForLoadState();
      // Another group of windows: what opened it has a closed window in its hands.
      const isCut = () => page.evaluate(() => window.opened === null || window.opened.closed);
      const cut = await until(isCut, 'the window is cut off', patience).catch(() => false);
      const told = await page.evaluate(() => window.told);
      const frames = page.frames().slice(1).map((frame) => frame.url()).filter((url) => url.startsWith(at));
      const opener = await opened.evaluate(() => window.opener === null);
      return { told, frames, isCut: cut && opener };
    }

    const isRefused = ({ told, frames, isCut }) => {
      const { done, 'posts a form': posted, ...tried } = told;
      assert.ok(done && posted === 'sent');
      for (const [name, came] of Object.entries(tried)) assert.match(String(came), /^refused: /, name);
      assert.deepEqual(frames, [], 'nothing of it is in a frame');
      assert.ok(isCut, 'whoever opens it loses sight of it');
    };

    test('stored pages with scripts run nowhere', async () => {
      const context = await victim();
      const asked = [];
      context.on('request', (request) => asked.push(request.url()));
      for (const name of Object.keys(stored)) {
        const page = await context.newPage();
        const answer = await page.goto(at + name).catch((error) => error);
        if (answer instanceof Error) assert.match(answer.message, /Download is starting/, name);
        else assert.doesNotMatch(await page.title(), /it runs/, name);
      }
      const page = await context.newPage();
      await page.goto(`${attacker.origin}/frames`);
      for (const frame of page.frames()) assert.notEqual(await frame.title().catch(() => ''), 'it runs');
      assert.deepEqual(asked.filter((url) => url.startsWith(target)), [], 'nothing has asked for the console');
      await isUnharmed(context);
      await context.close();
    });

    // Where each pod has an origin of its own, the kinds differ no more.
    for (const name of args.length ? ['page.html'] : Object.keys(stored)) {
      test(`a stored ${name} that ran all the same would not get at the console`, async () => {
        const context = await victim();
        await context.route(at + name, async (route) => {
          const answer = await fetch(at + name);
          await route.fulfill({ contentType: answer.headers.get('content-type'), body: await answer.text() });
        });
        isRefused(await attacks(context, at + name));
        await isUnharmed(context);
        await context.close();
      });
    }

    test("a page of somebody else's does not get at the console", async () => {
      const context = await victim();
      isRefused(await attacks(context, `${attacker.origin}/attack?${target}`));
      await isUnharmed(context);
      await context.close();
    });

    test('a document of a pod has no origin to act with, whatever runs in it', async () => {
      const context = await victim();
      const page = await context.newPage();
      await page.goto(`${at}worker.js`);
      const tried = await page.evaluate(async (target) => {
        const attempt = async (what) => Promise.resolve().then(what).then(() => 'done', (error) => `refused: ${error.name}`);
        return {
          origin: self.origin,
          kept: await attempt(() => localStorage.length),
          worker: await attempt(() => navigator.serviceWorker.register(location.href)),
          console: await attempt(() => fetch(`${target}console/config.json`, { credentials: 'include' })),
        };
      }, target);
      const { origin, ...others } = tried;
      assert.equal(origin, 'null');
      for (const [name, came] of Object.entries(others)) assert.match(came, /^refused: /, name);
      await isUnharmed(context);
      await context.close();
    });

    test('a script of the console has no part in the pages of accounts, which are beside it', async () => {
      const context = await victim();
      const page = await context.newPage();
      await page.goto(target);
      const came = await page.evaluate(async (account) => {
        const { status } = await fetch(account, { credentials: 'include' });
        const window = open(account);
        const frame = Object.assign(document.createElement('iframe'), { src: account });
        document.body.append(frame);
        await new Promise((resolve) => (frame.onload = resolve));
        while (!window.closed) await new Promise((resolve) => setTimeout(resolve, 20));
        return [status, frame.contentDocument];
      }, `${target}account`);
      assert.deepEqual(came, [403, null]);
      assert.ok(context.pages().some((page) => page.url().endsWith('/.oidc/account')), 'people go there');
      await context.close();
    });

    if (args.length) return;
    const allows = () => ({ 'access-control-allow-origin': attacker.origin, 'access-control-allow-credentials': 'true' });
    for (const [what, names, added, came] of [
      ['that keeps its files from others', ['cross-origin-resource-policy'], () => ({}), { 'takes blindly': 'opaque', 'takes an image': 'loaded' }],
      ['that cuts off who opens it', ['cross-origin-opener-policy'], () => ({}), { isCut: false }],
      ['that keeps it out of frames', ['content-security-policy', 'x-frame-options'], () => ({}), { isFramed: true }],
      ['that shares nothing', ['cross-origin-resource-policy'], allows, { reads: 200 }],
    ]) {
      test(`without the header ${what} the attack succeeds`, async () => {
        const context = await browser.newContext();
        const proxy = await stripped(server, [...names, 'content-encoding', 'content-length', 'transfer-encoding'], added());
        const { told, frames, isCut } = await attacks(context, `${attacker.origin}/attack?${proxy.target}`, proxy.target, 2);
        const all = { ...told, isCut, isFramed: frames.includes(proxy.target) };
        for (const [name, value] of Object.entries({ isCut: true, isFramed: false, ...came })) assert.equal(all[name], value, name);
        if (!came['takes blindly'] && !came.reads) assert.match(told['takes blindly'], /^refused: /);
        if (!came.reads) assert.match(told.reads, /^refused: /);
        await context.close();
        proxy.close();
      });
    }
  });
}
