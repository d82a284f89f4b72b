// What a hostile server does to whoever runs `podbell watch`: nothing is written in their name, nothing on their machine is
// reached from elsewhere, and what it says neither steers the terminal nor breaks the lines.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { login, logout, put } from './clients.js';
import { JSON_LD, hostile, naming } from './hostile.js';
import { start } from './server.js';

let server, alice, evil, credentials;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
  const { id, secret } = server.users.alice;
  credentials = path.join(server.data, 'alice.env');
  await writeFile(credentials, `PODBELL_ISSUER=${server.issuer}\nPODBELL_CLIENT_ID=${id}\nPODBELL_CLIENT_SECRET=${secret}\n`, { mode: 0o600 });
});
after(async () => {
  await logout(alice);
  await server?.stop();
});
afterEach(() => evil?.close());

/** Runs it to its end: `{ code, out, said }`. */
async function watch(...args) {
  const child = spawn(server.binary, ['watch', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, said] = ['', ''];
  child.stdout.on('data', (piece) => (out += piece));
  child.stderr.on('data', (piece) => (said += piece));
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const [code] = await once(child, 'close');
  clearTimeout(late);
  return { code, out, said };
}

test('a folder that is named as a service gets no document in the name of whoever listens', async () => {
  const folder = `${server.users.alice.root}watched/`;
  await put(alice, folder, '');
  const members = async () => (await (await alice.fetch(folder, { headers: { Accept: JSON_LD } })).json())['@graph']?.length;
  const earlier = await members();
  evil = await hostile(naming(folder, { type: 'http://www.w3.org/ns/solid/notifications#WebSocketChannel2023', 'GET /description': described(folder) }));
  const { code, said } = await watch('--credentials', credentials, `${evil.origin}/`);
  assert.equal(await members(), earlier, said);
  assert.equal(code, 1, said);
  assert.match(said, /is no service/);
});

/** A description that says all in full, since no context is read. */
function described(service) {
  const N = 'http://www.w3.org/ns/solid/notifications#';
  return { type: JSON_LD, body: { '@id': 'urn:x', [`${N}subscription`]: { '@id': service, [`${N}channelType`]: { '@id': `${N}EventSourceChannel2023` } } } };
}

test('what a server says neither steers the terminal nor breaks the lines, for people and as JSON', async () => {
  const nasty = 'a\u009b2J\u0085b\u2028c\u202ed\u007fe';
  evil = await hostile((request, response) => {
    if (request.url !== '/stream') {
      return naming('', { 'GET /description': described(`${evil.origin}/subscribe`), channel: { receiveFrom: `${evil.origin}/stream` } })(request, response);
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const message = JSON.stringify({ id: 'urn:1', type: `Update${nasty}`, object: `http://x/${nasty}`, actor: nasty });
    response.write(`data: ${message}\n\n`);
    return undefined;
  });
  for (const more of [[], ['--json']]) {
    const { code, out, said } = await watch(`${evil.origin}/`, '--count', '1', ...more);
    assert.equal(code, 0, said);
    assert.doesNotMatch(out + said, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/);
    assert.equal(out.trimEnd().split(/[\n\u0085\u2028]/).length, 1);
    if (more.length) assert.equal(JSON.parse(out).object, `http://x/${nasty}`);
  }
});
