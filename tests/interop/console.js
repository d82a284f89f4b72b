// The console in a real browser. Whatever a page does in a test, these hold: it asks nobody but the server that it
// belongs to, and those that the test names; the policy of its page is never broken; nothing is thrown.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fill } from './browser.js';

const files = (folder) => fileURLToPath(new URL(`../../${folder}/`, import.meta.url));
const CONSOLE = files('crates/server/console');
const CLIENT = files('clients/javascript/src');
const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.svg': 'image/svg+xml' };

/** What Chromium writes to its console for an answer that a test may well want: not the page's doing. */
const ANSWERS = /^Failed to load resource: |^WebSocket connection to /;
const isFromDisk = process.env.PODBELL_CONSOLE_FROM_DISK === '1';

/**
 * A browser context of its own on the console of `server`:
 * `{ context, open(path), watch(page), clean() }`; `clean()` fails if anything of what must hold did not.
 * `others`: origins that may be asked too. `options`: those of a context.
 */
export async function visit(browser, server, { others = [], ...options } = {}) {
  const context = await browser.newContext(options);
  const allowed = new Set([server.issuer, server.base, ...others].map((url) => new URL(url).origin));
  const wrong = [];
  await context.exposeBinding('reportedViolation', (_, text) => wrong.push(`policy: ${text}`));
  await context.addInitScript(() => {
    const tell = (event) => window.reportedViolation(`${event.violatedDirective} ${event.blockedURI}`);
    document.addEventListener('securitypolicyviolation', tell);
  });
  const look = (url) => {
    const { origin, protocol } = URL.canParse(url) ? new URL(url.replace(/^ws/, 'http')) : { protocol: 'http:' };
    if (protocol.startsWith('http') && !allowed.has(origin)) wrong.push(`asked elsewhere: ${url}`);
  };
  context.on('request', (request) => look(request.url()));
  const watch = (page) => {
    page.setDefaultTimeout(15_000);
    page.on('websocket', (socket) => look(socket.url()));
    page.on('pageerror', (error) => wrong.push(`thrown: ${error.stack ?? error}`));
    page.on('console', (message) => {
      const isAnswer = ANSWERS.test(message.text()) || (isFromDisk && /`loopback` address space/.test(message.text()));
      if (message.type() === 'error' && !isAnswer) wrong.push(`console: ${message.text()}`);
    });
    return page;
  };
  if (isFromDisk) await fromDisk(context, server);
  return {
    context,
    watch,
    wrong,
    async open(at = '/') {
      const page = watch(await context.newPage());
      await page.goto(new URL(at, server.issuer).href);
      return page;
    },
    async clean() {
      // What is still being answered from disk is nobody's any more.
      await context.unrouteAll({ behavior: 'ignoreErrors' });
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}

/** Files as they lie on disk, under the headers of the server: for work on pages without building it anew. */
async function fromDisk(context, server) {
  const origin = new URL(server.issuer).origin;
  // The browser does not know that such a page comes from this machine, and would not let it talk to it.
  await context.grantPermissions(['local-network-access']);
  const place = ({ pathname }) => {
    if (pathname === '/') return path.join(CONSOLE, 'index.html');
    if (pathname === '/notifications.html') return path.join(CONSOLE, 'notifications.html');
    if (pathname.startsWith('/client/')) return path.join(CLIENT, pathname.slice('/client/'.length));
    return pathname.startsWith('/console/') ? path.join(CONSOLE, pathname.slice('/console/'.length)) : undefined;
  };
  // What is redirected to is not asked about: the way back from the provider becomes a step of its own.
  await context.route((url) => url.origin === origin && place(url) === undefined, async (route) => {
    if (route.request().method() !== 'POST' || !route.request().isNavigationRequest()) return route.fallback();
    const answer = await route.fetch({ maxRedirects: 0 });
    const to = answer.headers().location && new URL(answer.headers().location, origin);
    if (!to || place(to) === undefined) return route.fulfill({ response: answer });
    const url = to.href.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
    return route.fulfill({ contentType: 'text/html', body: `<meta http-equiv="refresh" content="0;url=${url}">` });
  });
  await context.route((url) => url.origin === origin && place(url) !== undefined, async (route) => {
    const file = place(new URL(route.request().url()));
    const body = await readFile(file).catch(() => undefined);
    if (body === undefined) return route.continue();
    const answer = await route.fetch();
    const isThere = answer.status() < 400;
    const headers = { ...answer.headers(), ...(isThere ? {} : { 'content-type': TYPES[path.extname(file)] }) };
    delete headers['content-length'];
    return route.fulfill({ status: 200, headers, body });
  });
}

/** Signs a person in through the dialog and the provider's pages; the page is where it was then. */
export async function signIn(page, server, name = 'alice') {
  await page.getByRole('banner').getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await fill(page, server.users[name].password, name);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** What axe-core finds serious or critical in the page as it is shown now, but for the rules that are `without`; fails if there is anything. */
export async function axe(page, what = page.url(), without = []) {
  // By the tools of the browser, which the page's policy does not bind.
  await page.evaluate(await readFile(axeSource, 'utf8'));
  const rules = Object.fromEntries(without.map((rule) => [rule, { enabled: false }]));
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { resultTypes: ['violations'], rules }), rules);
  const grave = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join('\n')}`);
  assert.deepEqual(grave, [], what);
}
