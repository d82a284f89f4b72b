// A program without a browser logs a person in by the authorization code flow: @inrupt/solid-client-authn-node.
import { EVENTS, Session } from '@inrupt/solid-client-authn-node';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { login, logout, put, putAcl } from './clients.js';
import { start } from './server.js';

const BACK = 'http://localhost:9/back';

let server, owner, topic;
const sessions = [];
before(async () => {
  server = await start();
  owner = await login(server, 'alice');
  topic = `${server.users.alice.root}code-flow`;
  await put(owner, topic);
  await putAcl(owner, topic, server.users.alice.webid, []);
});
after(async () => {
  await logout(owner, ...sessions);
  await server?.stop();
});

function opened() {
  const session = new Session({ keepAlive: false });
  sessions.push(session);
  return session;
}

/** Walks through the provider's pages as a browser would, filling in its forms in turn; gives where it is sent. */
async function walk(url, ...forms) {
  let cookie = '';
  let answer = await fetch(url, { redirect: 'manual' });
  for (const filled of forms) {
    assert.equal(answer.status, 200);
    for (const set of answer.headers.getSetCookie()) cookie = set.split(';')[0];
    const html = await answer.text();
    const action = /<form method="post" action="([^"]*)"/.exec(html)[1].replaceAll('&amp;', '&');
    const csrf = /name="csrf" value="([^"]*)"/.exec(html)[1];
    const body = new URLSearchParams({ csrf, ...filled });
    answer = await fetch(action, { method: 'POST', body, headers: { Cookie: cookie }, redirect: 'manual' });
  }
  assert.equal(answer.status, 303);
  return answer.headers.get('location');
}

const asAlice = () => ({ action: 'login', name: 'alice', password: server.users.alice.password });

/** Where a session sends the person to. */
const asked = (session) =>
  new Promise((resolve, reject) => {
    const options = { oidcIssuer: server.issuer, redirectUrl: BACK, clientName: 'A program', handleRedirect: resolve };
    session.login(options).catch(reject);
  });

test('a person logs in to a program that registers itself', async () => {
  const session = opened();
  const kept = new Promise((resolve) => session.events.once(EVENTS.NEW_REFRESH_TOKEN, resolve));
  const back = await walk(await asked(session), asAlice(), { action: 'allow' });
  assert.equal(new URL(back).searchParams.get('iss'), server.issuer);
  const { isLoggedIn, webId, clientAppId } = await session.handleIncomingRedirect(back);
  assert.deepEqual({ isLoggedIn, webId }, { isLoggedIn: true, webId: server.users.alice.webid });
  assert.equal((await session.fetch(topic)).status, 200);
  assert.equal((await fetch(topic)).status, 401);

  const stranger = opened();
  const refreshToken = await kept;
  await stranger.login({ oidcIssuer: server.issuer, clientId: clientAppId, clientSecret: 'guessed', refreshToken }).catch(() => {});
  assert.equal(stranger.info.isLoggedIn, false, 'the token alone opens nothing');
});

test('a person who denies is not logged in, and no code comes back', async () => {
  const session = opened();
  const back = await walk(await asked(session), asAlice(), { action: 'deny' });
  assert.equal(new URL(back).searchParams.get('error'), 'access_denied');
  assert.equal(new URL(back).searchParams.get('code'), null);
  await session.handleIncomingRedirect(back).catch(() => {});
  assert.equal(session.info.isLoggedIn, false);
});

test('a program comes back with its refresh token, once with each', async () => {
  const answer = await fetch(`${server.issuer}.oidc/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [BACK], grant_types: ['authorization_code', 'refresh_token'] }),
  });
  assert.equal(answer.status, 201);
  const { client_id: clientId, client_secret: clientSecret } = await answer.json();
  const client = { oidcIssuer: server.issuer, clientId, clientSecret };
  const first = opened();
  const kept = new Promise((resolve) => first.events.once(EVENTS.NEW_REFRESH_TOKEN, resolve));
  const sent = new Promise((resolve, reject) => {
    first.login({ ...client, redirectUrl: BACK, handleRedirect: resolve }).catch(reject);
  });
  await first.handleIncomingRedirect(await walk(await sent, asAlice(), { action: 'allow' }));
  const refreshToken = await kept;

  // Another process, which knows the registration and the token only.
  const second = opened();
  await second.login({ ...client, refreshToken });
  assert.equal(second.info.isLoggedIn, true);
  assert.equal((await second.fetch(topic)).status, 200);

  const thief = opened();
  await thief.login({ ...client, refreshToken }).catch(() => {});
  assert.equal(thief.info.isLoggedIn, false);
});
