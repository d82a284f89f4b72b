// The unmodified clients, each wrapped in a list of what it heard.
import { Session } from '@inrupt/solid-client-authn-node';
import { WebsocketNotification } from '@inrupt/solid-client-notifications';
import { SubscriptionClient } from '@solid-notifications/subscription';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { start, until } from './server.js';

const WebSocket = createRequire(createRequire(import.meta.url).resolve('@inrupt/solid-client-notifications'))('ws');
export const WEBSOCKET_2023 = 'http://www.w3.org/ns/solid/notifications#WebSocketChannel2023';

/** Logs in with the seeded client credentials. */
export async function login(server, name) {
  const user = server.users[name];
  const session = new Session({ keepAlive: false });
  await session.login({ clientId: user.id, clientSecret: user.secret, oidcIssuer: server.issuer });
  if (!session.info.isLoggedIn) throw new Error(`${name} is not logged in`);
  return session;
}

/** Logs out, so that no timer of a session keeps the process alive. */
export const logout = (...sessions) => Promise.all(sessions.map((session) => session?.logout()));

/** A server with both of its people logged in, for all tests of a file, and ended after them. */
export async function people() {
  const server = await start();
  let alice, bob;
  const end = async () => {
    await logout(alice, bob);
    await server.stop();
  };
  try {
    alice = await login(server, 'alice');
    bob = await login(server, 'bob');
  } catch (error) {
    // Nothing of this file runs then, not even what comes after it.
    await end();
    throw error;
  }
  after(end);
  return { server, alice, bob };
}

/** Sends a request and fails on any but the expected status; gives the response. */
export async function request(session, method, url, body, headers = {}, expected = /^2/) {
  const response = await (session?.fetch ?? fetch)(url, { method, body, headers });
  const text = await response.text();
  if (!expected.test(String(response.status))) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return Object.assign(response, { body_text: text });
}

export const put = (session, url, body = '<#it> <http://purl.org/dc/terms/title> "x" .') =>
  request(session, 'PUT', url, body, { 'Content-Type': 'text/turtle' });
export const remove = (session, url) => request(session, 'DELETE', url);

/** An ACL that lets the owner do all and `readers` read. */
export function acl(subject, owner, readers = [], modes = 'acl:Read') {
  const target = subject.endsWith('/') ? `acl:accessTo <${subject}> ; acl:default <${subject}>` : `acl:accessTo <${subject}>`;
  const readerRule = readers.length
    ? `<#readers> a acl:Authorization ; ${target} ; acl:mode ${modes} ; acl:agent ${readers.map((r) => `<${r}>`).join(', ')} .`
    : '';
  return `@prefix acl: <http://www.w3.org/ns/auth/acl#> .
<#owner> a acl:Authorization ; ${target} ; acl:mode acl:Read, acl:Write, acl:Control ; acl:agent <${owner}> .
${readerRule}`;
}

/** Writes the ACL of `subject` where the server says that it is. */
export async function putAcl(session, subject, owner, readers, modes) {
  const head = await request(session, 'HEAD', subject);
  const link = /<([^>]*)>;\s*rel="acl"/.exec(head.headers.get('link'))[1];
  return put(session, new URL(link, subject).href, acl(subject, owner, readers, modes));
}

/** `@inrupt/solid-client-notifications`, connected. */
export async function inrupt(session, topic) {
  const notification = new WebsocketNotification(topic, { fetch: session.fetch });
  const heard = [];
  const client = { heard, closed: false, errors: [], close: () => notification.disconnect() };
  notification.on('message', (message) => heard.push(message));
  notification.on('closed', () => (client.closed = true));
  notification.on('error', (error) => client.errors.push(error));
  const connected = new Promise((resolve) => notification.on('connected', resolve));
  await notification.connect();
  await connected;
  return client;
}

/** `@solid-notifications/subscription`, then an ordinary WebSocket. */
export async function channel(session, topic) {
  const subscription = await new SubscriptionClient(session.fetch).subscribe(topic, WEBSOCKET_2023);
  return Object.assign(await socket(subscription.receiveFrom), { subscription });
}

/** A plain socket on a capability. */
export async function socket(url) {
  const ws = new WebSocket(url);
  const heard = [];
  const client = { heard, closed: false, code: undefined, close: () => ws.close() };
  ws.on('message', (data) => heard.push(JSON.parse(data)));
  ws.on('close', (code) => Object.assign(client, { closed: true, code }));
  await new Promise((resolve, reject) => ws.on('open', resolve).on('error', reject));
  return client;
}

/** An answer that goes on: its pieces, each as it arrives. No session: anybody's. */
export async function stream(session, url, headers = {}) {
  const ended = new AbortController();
  const response = await (session?.fetch ?? fetch)(url, { headers, signal: ended.signal });
  const heard = [];
  const client = { heard, response, closed: false, close: () => ended.abort() };
  const pieces = response.body.pipeThrough(new TextDecoderStream());
  const read = async () => {
    for await (const piece of pieces) heard.push(piece);
  };
  void read()
    .catch(() => {})
    .then(() => (client.closed = true));
  return client;
}

/** What was heard, short: `Update /alice/x` for each notification. */
export const short = (client) =>
  client.heard.map((message) => {
    const kind = Array.isArray(message.type) ? message.type.at(-1) : message.type;
    const object = typeof message.object === 'string' ? message.object : message.object.id;
    return `${kind} ${new URL(object).pathname}`;
  });

/** Waits until so many notifications were heard. */
export const hears = (client, count) =>
  until(() => client.heard.length >= count, `${count} notifications; heard ${JSON.stringify(client.heard)}`);
