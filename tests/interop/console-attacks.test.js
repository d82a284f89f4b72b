// What hostile servers, providers and pods do to whoever sits at the console.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fill, launch } from './browser.js';
import { login, logout, put } from './clients.js';
import { signIn, visit } from './console.js';
import { button, said } from './console-page.js';
import { JSON_LD, hostile, naming } from './hostile.js';
import { start, until } from './server.js';

let server, browser, alice, visitor, evil, token;
before(async () => {
  [server, browser] = await Promise.all([start(), launch()]);
  alice = await login(server, 'alice');
  token = (await (await fetch(`${server.issuer}.well-known/openid-configuration`)).json()).token_endpoint;
});
after(async () => {
  await logout(alice);
  await browser?.close();
  await server?.stop();
});
const open = async (answer, at) => {
  evil = await hostile(answer);
  visitor = await visit(browser, server, { others: [evil.origin] });
  return at === undefined ? undefined : visitor.open(at);
};
beforeEach(() => (visitor = evil = undefined));
afterEach(async () => {
  await visitor?.clean();
  await evil?.close();
});

const signedOut = (page) => page.getByRole('banner').getByRole('button', { name: 'Sign in' });
const signedIn = (page) => page.getByRole('button', { name: 'Sign out' });

test('who signs out while another tab renews the sign-in stays signed out', async () => {
  await open(() => ({}));
  const one = await visitor.open('/notifications.html');
  await signIn(one, server);
  const two = visitor.watch(await visitor.context.newPage());
  let go, held;
  const isHeld = new Promise((resolve) => (held = resolve));
  const released = new Promise((resolve) => (go = resolve));
  await two.route(token, async (route) => {
    // What the provider has answered is on its way while the person signs out.
    const response = await route.fetch();
    held();
    await released;
    await route.fulfill({ response });
  });
  await two.goto(`${server.issuer}notifications.html`);
  await isHeld;
  await signedIn(one).click();
  await signedOut(one).waitFor();
  go();
  await signedOut(two).waitFor();
  await two.unroute(token);
  await Promise.all([one.reload(), two.reload()]);
  await Promise.all([signedOut(one).waitFor(), signedOut(two).waitFor()]);
});

// What it was sent last.
let nonce, client;

/** An identity provider that signs whoever comes in with these claims, at once. */
function provider(claims) {
  const text = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return ({ method, url, body }) => {
    const { origin } = evil;
    const { pathname, searchParams } = new URL(url, origin);
    const type = 'application/json';
    if (pathname === '/.well-known/openid-configuration') {
      return { type, body: {
        issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, jwks_uri: `${origin}/jwks`,
        registration_endpoint: `${origin}/register`, response_types_supported: ['code'], id_token_signing_alg_values_supported: ['ES256'],
        code_challenge_methods_supported: ['S256'], dpop_signing_alg_values_supported: ['ES256'],
      } };
    }
    if (pathname === '/register') return { status: 201, type, body: { ...JSON.parse(body), client_id: 'console' } };
    if (pathname === '/authorize') {
      nonce = searchParams.get('nonce');
      client = searchParams.get('client_id');
      const to = new URL(searchParams.get('redirect_uri'));
      to.searchParams.set('code', 'c');
      to.searchParams.set('state', searchParams.get('state'));
      return { status: 302, headers: { Location: to.href } };
    }
    if (method === 'POST' && pathname === '/token') {
      const now = Math.floor(Date.now() / 1000);
      const said = { iss: origin, sub: 'x', aud: client, iat: now, exp: now + 600, nonce, ...claims };
      const id = `${text({ alg: 'ES256', typ: 'JWT' })}.${text(said)}.${'A'.repeat(86)}`;
      return { type, body: { access_token: 'at', token_type: 'DPoP', expires_in: 600, refresh_token: 'r', id_token: id } };
    }
    return { status: 404 };
  };
}

for (const [what, webid] of [
  ['a list', ['https://evil.example/#me']],
  ['an object', { toString: 'https://evil.example/' }],
  ['no address', 'https://'],
  ['an address that turns the line around', 'https://evil.example/\u202emoc.elpmaxe//:sptth#me'],
  ['an address of a megabyte', `https://evil.example/${'x'.repeat(1 << 20)}`],
]) {
  test(`a provider that says ${what} for a WebID signs nobody in, and both pages go on`, async () => {
    const page = await open(provider({ webid }), '/');
    await signedOut(page).click();
    const dialog = page.getByRole('dialog', { name: 'Sign in' });
    await dialog.getByLabel('Your identity provider').fill(evil.origin);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('banner').getByRole('alert').filter({ hasText: 'with which WebID' }).waitFor();
    for (const at of ['/', '/notifications.html']) {
      await page.goto(new URL(at, server.issuer).href);
      await signedOut(page).waitFor();
    }
  });
}

test('who signs out has the provider forget what it gave', async () => {
  const page = await open((request) => {
    const { pathname } = new URL(request.url, evil.origin);
    if (pathname === '/revoke') return {};
    const said = provider({ webid: 'https://someone.example/card#me' })(request);
    if (pathname === '/.well-known/openid-configuration') said.body.revocation_endpoint = `${evil.origin}/revoke`;
    return said;
  }, '/notifications.html');
  await signedOut(page).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in' });
  await dialog.getByLabel('Your identity provider').fill(evil.origin);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await signedIn(page).click();
  await signedOut(page).waitFor();
  const revoked = await until(() => evil.asked.find(({ url }) => url === '/revoke'), 'it is asked to forget');
  assert.equal(new URLSearchParams(revoked.body).get('token'), 'r');
});

test('a provider that sends people on to another’s page gets no code that the other gives', async () => {
  const real = await (await fetch(`${server.issuer}.well-known/openid-configuration`)).json();
  const { client } = await (await fetch(`${server.issuer}console/config.json`)).json();
  const page = await open((request) => {
    const { pathname } = new URL(request.url, evil.origin);
    const said = provider({})(request);
    // The person sees the page that they know, with the console's own name on it.
    if (pathname === '/.well-known/openid-configuration') said.body.authorization_endpoint = real.authorization_endpoint;
    if (pathname === '/register') said.body.client_id = client;
    return said;
  }, '/');
  await signedOut(page).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in' });
  await dialog.getByLabel('Your identity provider').fill(evil.origin);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await fill(page, server.users.alice.password);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByRole('banner').getByRole('alert').filter({ hasText: 'did not sign you in' }).waitFor();
  assert.deepEqual(evil.asked.filter(({ url }) => url.startsWith('/token')), []);
});

test('the cookies of the provider’s pages go to nothing that a server names on their origin', async () => {
  const page = await open(({ url }) => naming(`${server.issuer}account`)({ method: 'GET', url }), '/notifications.html');
  await signIn(page, server);
  await visitor.context.addCookies([{ name: 'of-the-pages', value: 'secret', url: server.issuer }]);
  const sent = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'fetch' && new URL(request.url()).pathname.startsWith('/account')) sent.push(request.allHeaders());
  });
  await page.getByLabel('Folder or document').fill(`${server.issuer}account/`);
  await button(page, 'Browse').click();
  await page.locator('#browser [role=status]').filter({ hasText: /./, hasNotText: 'Looking' }).waitFor();
  await page.getByLabel('Folder or document').fill(`${evil.origin}/`);
  await button(page, 'Connect').click();
  await said(page, 'does not offer this');
  const headers = await Promise.all(sent);
  assert.ok(headers.length >= 2, 'both were asked');
  assert.deepEqual(headers.filter(({ cookie }) => cookie), []);
});

test('a folder of the person who listens gets no document by a service that a hostile server names', async () => {
  const folder = `${server.users.alice.root}listened/`;
  await put(alice, folder, '');
  const members = async () => (await (await alice.fetch(folder, { headers: { Accept: JSON_LD } })).json())['@graph']?.length;
  const earlier = await members();
  const page = await open(naming(folder), '/notifications.html');
  await signIn(page, server);
  await page.getByLabel('Folder or document').fill(`${evil.origin}/`);
  await button(page, 'Connect').click();
  await said(page, 'does not offer this');
  assert.equal(await members(), earlier);
});

test('folders and profiles without an end are not read for ever', async () => {
  let sent = 0;
  const page = await open(({ method }, response) => {
    if (method !== 'GET') return {};
    response.writeHead(200, { 'Content-Type': JSON_LD });
    const more = () => {
      do sent += 1 << 16;
      while (!response.destroyed && response.write(' '.repeat(1 << 16)));
    };
    response.on('drain', () => !response.destroyed && more());
    more();
    return undefined;
  }, '/notifications.html');
  await page.getByLabel('Folder or document').fill(`${evil.origin}/`);
  await button(page, 'Browse').click();
  await page.getByText('describes this folder in a way that cannot be read').waitFor();
  assert.ok(sent < 64 << 20, String(sent));
  sent = 0;
  const name = await page.evaluate(async (webid) => {
    const { lookUp } = await import('/console/js/owner/names.js');
    return lookUp(webid);
  }, `${evil.origin}/card#me`);
  assert.equal(name, undefined);
  assert.ok(sent < 32 << 20, String(sent));
});

test('an address that cannot be decoded is shown without what turns the line around, and in a length that one can read', async () => {
  const page = await open(() => ({}), '/notifications.html');
  const shown = await page.evaluate(async () => {
    const { readable, said } = await import('/console/js/notifications/words.js');
    return [readable('http://x/%\u202egnp.exe'), readable('http://x/\ud800\u202e'), readable(`http://x/${'y'.repeat(1 << 20)}`), said('Up\u202edate')[1], said('x'.repeat(5000))[1]];
  });
  assert.doesNotMatch(shown.join(''), /[\u202a-\u202e]/);
  assert.ok(shown.every((text) => text.length < 500), shown.map((text) => text.length).join());
});

test('messages of a megabyte each are let go in time', async () => {
  let told = 0;
  const page = await open(naming('/subscribe', { channel: { receiveFrom: '/stream' }, 'GET /stream': (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const more = () => {
      if (told === 40) return;
      told += 1;
      const message = { id: `urn:${told}`, type: 'Update', object: `http://x/${told}`, more: 'x'.repeat(900_000) };
      response.write(`data: ${JSON.stringify(message)}\n\n`, () => setImmediate(more));
    };
    more();
  } }), '/notifications.html');
  await page.getByLabel('Folder or document').fill(`${evil.origin}/`);
  await button(page, 'Connect').click();
  const items = page.locator('.entries > li');
  await items.filter({ hasText: 'http://x/40' }).waitFor();
  assert.ok((await items.count()) < 20, String(await items.count()));
  await page.getByText(/older ones were let go/).waitFor();
  await until(() => told === 40, 'all was told');
});

test('who has a name too long for an address is ended all the same', async () => {
  const page = await open(() => ({}), '/');
  const done = page.evaluate(async () => {
    const { asksToEndAll } = await import('/console/js/owner/ending.js');
    const gone = [];
    const api = {
      endAll: () => Promise.reject(Object.assign(new Error('The URL is too long'), { status: 414 })),
      end: ({ id }) => Promise.resolve(gone.push(id) > 0),
    };
    const person = `https://x.example/${'y'.repeat(3000)}`;
    const all = [person, 'https://other.example/', person].map((who, id) => ({ id, person: who, topics: [] }));
    const said = await asksToEndAll(api, 'https://pod.example/', { person, listeners: [all[0]] }, { all, isWhole: true });
    return { gone, said };
  });
  await page.getByRole('button', { name: 'End all' }).click();
  const { gone, said } = await done;
  assert.deepEqual(gone, [0, 2]);
  assert.match(said, /^Ended 2 listeners/);
});
