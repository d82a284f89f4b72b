// What a hostile server does to whoever listens to it with @podbell/client: it gets no hand to write elsewhere with, no token
// that is meant for others, no memory without end; and a program goes on whatever it sends.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { EventStream } from '../../clients/javascript/src/event-stream.js';
import { Ended } from '../../clients/javascript/src/failure.js';
import { ask } from '../../clients/javascript/src/http.js';
import { JsonStream } from '../../clients/javascript/src/json-stream.js';
import { targets } from '../../clients/javascript/src/links.js';
import { read } from '../../clients/javascript/src/message.js';
import { Seen } from '../../clients/javascript/src/seen.js';
import { OPTIONS, listening } from './client.js';
import { login, logout, put } from './clients.js';
import { JSON_LD, hostile, naming } from './hostile.js';
import { start, until } from './server.js';

let server, alice, evil;
const uncaught = [];
const keep = (error) => uncaught.push(error);
before(async () => {
  process.on('uncaughtException', keep);
  server = await start();
  alice = await login(server, 'alice');
});
after(async () => {
  process.off('uncaughtException', keep);
  await logout(alice);
  await server?.stop();
});
afterEach(async () => {
  await evil?.close();
  assert.deepEqual(uncaught.splice(0), [], 'a program that listens goes on');
});

const members = async (folder) => (await (await alice.fetch(folder, { headers: { Accept: JSON_LD } })).json())['@graph']?.length;
const ended = (topic, options) => listening(alice, topic, { ...OPTIONS, ...options }).ends();

test('a folder that is named as a service gets no document in the name of whoever listens', async () => {
  const folder = `${server.users.alice.root}named/`;
  await put(alice, folder, '');
  const earlier = await members(folder);
  for (const type of ['WebSocketChannel2023', 'EventSourceChannel2023', 'StreamingHTTPChannel2023']) {
    evil = await hostile(naming(folder, { type }));
    const { reason } = await ended(`${evil.origin}/`);
    assert.equal(reason, 'unsupported');
    assert.equal(await members(folder), earlier, type);
    await evil.close();
  }
});

test('nor does one by a gateway, or by the endpoint that a gateway names', async () => {
  const folder = `${server.users.alice.root}gateway/`;
  await put(alice, folder, '');
  const earlier = await members(folder);
  for (const [gateway, endpoint] of [[folder, folder], ['/gate', folder]]) {
    evil = await hostile(naming('/none', {
      'GET /description': { type: JSON_LD, body: { notificationGateway: gateway } },
      'POST /gate': { type: 'application/json', body: { endpoint } },
    }));
    assert.equal((await ended(`${evil.origin}/`, { transports: ['ess'] })).reason, 'unsupported');
    assert.equal(await members(folder), earlier);
    await evil.close();
  }
});

test('nor where a document on the very same server describes its own ways to listen', async () => {
  const at = [];
  evil = await hostile(({ method, url }) => {
    at.push(`${method} ${url}`);
    if (url === '/mallory/a') return { headers: { Link: '<a.meta>; rel="describedby"' } };
    if (url === '/mallory/a.meta') return { type: JSON_LD, body: { id: '/', subscription: [{ id: '/alice/', channelType: 'EventSourceChannel2023' }] } };
    return url === '/alice/' ? { headers: { Link: '<http://www.w3.org/ns/ldp#Container>; rel="type"' } } : { status: 404 };
  });
  assert.equal((await ended(`${evil.origin}/mallory/a`)).reason, 'unsupported');
  assert.ok(!at.includes('POST /alice/'), String(at));
});

test('an inbox that only takes is no service either', async () => {
  const bob = await login(server, 'bob');
  const inbox = `${server.users.bob.root}inbox-of-all/`;
  await put(bob, inbox, '');
  const rule = (name, agent, modes) => `<#${name}> a acl:Authorization ; ${agent} ; acl:accessTo <${inbox}> ; acl:mode ${modes} .`;
  const acl = `@prefix acl: <http://www.w3.org/ns/auth/acl#> . @prefix foaf: <http://xmlns.com/foaf/0.1/> .
    ${rule('bob', `acl:agent <${server.users.bob.webid}>`, 'acl:Read, acl:Write, acl:Control')}
    ${rule('all', 'acl:agentClass foaf:Agent', 'acl:Append')}`;
  const answer = await bob.fetch(`${inbox}.acl`, { method: 'PUT', headers: { 'Content-Type': 'text/turtle' }, body: acl });
  assert.ok(answer.ok, String(answer.status));
  const list = async () => (await (await bob.fetch(inbox, { headers: { Accept: JSON_LD } })).json())['@graph']?.length;
  const earlier = await list();
  evil = await hostile(naming(inbox));
  await ended(`${evil.origin}/`);
  assert.equal(await list(), earlier);
  await logout(bob);
});

test('who streams elsewhere than the service learns nobody’s token', async () => {
  const elsewhere = await hostile(({ method }) => (method === 'GET' ? { status: 410 } : { status: 404 }));
  try {
    evil = await hostile(naming('/subscribe', { channel: { id: '/c', receiveFrom: `${elsewhere.origin}/stream` } }));
    const { subscription } = listening(alice, `${evil.origin}/`, { transports: ['eventsource'] });
    await until(() => elsewhere.asked.length > 0, 'it connects');
    await subscription.close();
    assert.ok(evil.asked.some(({ authorization }) => authorization), 'the service itself is told who asks');
    assert.deepEqual(elsewhere.asked.filter(({ authorization }) => authorization), []);
  } finally {
    await elsewhere.close();
  }
});

test('addresses that are none end it, and throw nothing at the program', async () => {
  for (const receiveFrom of ['http://[', 'javascript:alert(1)', 'file:///etc/passwd', '', 'ws://user:secret@[::1', 'data:,x']) {
    for (const type of ['WebSocketChannel2023', 'EventSourceChannel2023']) {
      evil = await hostile(naming('/subscribe', { type, channel: { receiveFrom } }));
      const { reason, message } = await ended(`${evil.origin}/`);
      assert.equal(reason, 'unsupported', `${receiveFrom}: ${message}`);
      await evil.close();
    }
  }
  evil = await hostile(() => ({ headers: { 'Updates-Via': 'http://[', Link: '<http://[>; rel="describedby"' } }));
  assert.equal((await ended(`${evil.origin}/`, { transports: ['solid-0.1'] })).reason, 'unsupported');
  await evil.close();
  evil = await hostile(naming('/none', {
    'GET /description': { type: JSON_LD, body: { notificationGateway: '/gate' } },
    'POST /gate': { type: 'application/json', body: { endpoint: 'http://[' } },
  }));
  assert.equal((await ended(`${evil.origin}/`, { transports: ['ess'] })).reason, 'unsupported');
});

test('a message without an end ends it in words, on a stream and on a socket', async () => {
  const piece = 'x'.repeat(1 << 16);
  const endless = (type, first) => (response) => {
    response.writeHead(200, { 'Content-Type': type });
    response.write(first);
    const more = () => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', more);
    more();
  };
  for (const [channel, type, first] of [['EventSourceChannel2023', 'text/event-stream', 'data: '], ['StreamingHTTPChannel2023', JSON_LD, '{"a":"']]) {
    evil = await hostile(naming('/subscribe', { type: channel, channel: { receiveFrom: '/stream' }, 'GET /stream': endless(type, first) }));
    const stream = await hostile(({ method }, response) => (method === 'GET' ? endless(type, first)(response) : { status: 404 }));
    await evil.close();
    evil = await hostile(naming('/subscribe', { type: channel, channel: { receiveFrom: `${stream.origin}/stream` } }));
    const { reason, message } = await ended(`${evil.origin}/`);
    await stream.close();
    assert.equal(reason, 'refused');
    assert.match(message, /too long/);
    assert.doesNotMatch(message, /mistake in the client/);
    await evil.close();
  }
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  sockets.on('connection', (socket) => socket.send('x'.repeat((1 << 20) + 1)));
  await until(() => sockets.address(), 'it listens');
  evil = await hostile(naming('/subscribe', { type: 'WebSocketChannel2023', channel: { receiveFrom: `ws://127.0.0.1:${sockets.address().port}/` } }));
  const { reason, message } = await ended(`${evil.origin}/`);
  assert.deepEqual([reason, /too long/.test(message)], ['refused', true]);
  sockets.close();
});

test('an event of endless lines is not kept for ever', () => {
  const stream = new EventStream();
  assert.throws(() => {
    for (let count = 0; count < 4000; count += 1) stream.read(`data: ${'x'.repeat(1000)}\n`);
  }, Ended);
  assert.throws(() => new JsonStream().read(`{"a":"${'x'.repeat(2 << 20)}`), Ended);
});

test('of an answer no more is read than any server has to say', async () => {
  let sent = 0;
  for (const status of [200, 503, 403]) {
    sent = 0;
    const body = new ReadableStream({
      pull(control) {
        sent += 1 << 16;
        control.enqueue(new Uint8Array(1 << 16));
      },
    });
    const answer = await ask(() => Promise.resolve(new Response(body, { status })), 'http://evil.example/', {}).catch((error) => error);
    if (status !== 503) assert.equal(answer.status, status);
    assert.ok(sent < 4 << 20, `${status}: ${sent}`);
  }
});

test('what a server says of itself is told in one short line that turns nothing around', async () => {
  const words = `a\u202eb\u2028c\u0007${'x'.repeat(100_000)}`;
  const answer = { status: 403, type: 'application/problem+json', body: { detail: words } };
  evil = await hostile(naming('/subscribe', { 'POST /subscribe': answer }));
  const { message } = await ended(`${evil.origin}/`);
  assert.doesNotMatch(message, /[\p{C}\p{Zl}\p{Zp}]/u);
  assert.ok(message.includes('a b c') && message.length < 500, message.slice(0, 200));
});

test('a header of many beginnings takes no time to read', () => {
  const began = performance.now();
  for (const header of ['<'.repeat(1 << 18), `<a>${';'.repeat(1 << 18)}`, `<a>;b=${' '.repeat(1 << 18)}`, `<a>;b="${'\\"'.repeat(1 << 17)}`, `<a>${'; a = '.repeat(1 << 15)}`]) {
    targets(header, 'next', 'http://evil.example/');
  }
  assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
});

test('messages that are deep, wide or of odd types are passed over, and keys are not kept however long', () => {
  const deep = `${'['.repeat(20_000)}"Update"${']'.repeat(20_000)}`;
  for (const message of [`{"type":"Update","object":${deep}}`, `{"type":${deep},"object":"x"}`, deep, `{"type":"Update","object":[${'"x",'.repeat(300_000)}"x"]}`]) {
    assert.doesNotThrow(() => read(message));
  }
  const { notification } = read('{"type":"Update","object":"http://x/","id":{"toString":1}}');
  assert.equal(notification.id, undefined);
  const seen = new Seen(10);
  const told = { id: 'x'.repeat(1 << 20), type: 'Update', object: 'http://x/' };
  assert.ok(seen.admit(told) && seen.admit(told), 'too long to be remembered');
  assert.ok(seen.admit({ ...told, id: 'a' }) && !seen.admit({ ...told, id: 'a' }));
});

