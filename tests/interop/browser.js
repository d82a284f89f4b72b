// A real browser, and the origin of a small app of its own for it to visit.
import { build } from 'esbuild-wasm';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

/** The browser of this machine: `$CHROMIUM`, or the first of the usual names on the path. */
function installed() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = process.env.PATH.split(path.delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => existsSync(file));
  if (!found) throw new Error('no Chromium is installed');
  return found;
}

/** Starts the browser, without a window. Chromium's sandbox cannot be had as root. */
export function launch() {
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: installed(), args });
}

/** Waits until the page is the app's and has dealt with how it was called. */
export async function back(page, app) {
  await page.waitForURL((url) => url.origin === app.origin);
  await page.waitForFunction(() => window.app?.ready);
}

/** Opens the app and presses its log-in; the log-in page of the provider is there then. */
export async function arrive(page, app, server, options = {}) {
  await page.goto(`${app.origin}/`);
  await back(page, app);
  const sent = { oidcIssuer: server.issuer, clientName: 'App in a browser', ...options };
  await page.evaluate((sent) => void window.app.login(sent), sent);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
}

/** Fills the log-in page in. */
export async function fill(page, password, name = 'alice') {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** Logs a person in to the app. */
export async function logIn(page, app, server, options = {}, name = 'alice') {
  await arrive(page, app, server, options);
  await fill(page, server.users[name].password, name);
  await page.getByRole('button', { name: 'Allow' }).click();
  await back(page, app);
}

const PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title><script type="module" src="/main.js"></script></html>';

/**
 * Serves an app on another site than the server's: an address, not a name under `localhost`.
 * `{ origin, id, close() }`; `id` is the address of its client identifier document.
 */
export async function serveApp(main = 'app/main.js') {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL(main, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    define: { global: 'globalThis' },
    write: false,
    logLevel: 'error',
  });
  const script = bundle.outputFiles[0].text;
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://app/');
    const [type, body] =
      {
        '/': ['text/html', PAGE],
        '/main.js': ['text/javascript', script],
        '/id': ['application/ld+json', JSON.stringify(document())],
      }[pathname] ?? [];
    response.writeHead(body ? 200 : 404, { 'Content-Type': type ?? 'text/plain' }).end(body ?? 'not found');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  const document = () => ({
    '@context': ['https://www.w3.org/ns/solid/oidc-context.jsonld'],
    client_id: `${origin}/id`,
    client_name: 'App with a document',
    redirect_uris: [`${origin}/`],
    post_logout_redirect_uris: [`${origin}/`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'openid webid offline_access',
    token_endpoint_auth_method: 'none',
  });
  return {
    origin,
    id: `${origin}/id`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
