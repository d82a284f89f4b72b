// `podbell watch` on Community Solid Server: it listens to what there is, comes back, and is plain about what that server cannot do.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { put, remove } from './clients.js';
import { clientAtCss, loginAtCss, startCss } from './css.js';
import { binary, freePorts, until } from './server.js';

let root, port, css, alice, box, credentials;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'podbell-watch-css-'));
  port = await freePorts();
  css = await startCss(root, port);
  alice = await loginAtCss(css);
  box = `${css.pod}watched/`;
  await put(alice, `${box}old`);
  const { id, secret } = await clientAtCss(css);
  credentials = path.join(root, 'me.env');
  await writeFile(credentials, `PODBELL_ISSUER=${css.base}\nPODBELL_CLIENT_ID=${id}\nPODBELL_CLIENT_SECRET=${secret}\n`);
});
after(async () => {
  await alice?.logout();
  await css?.stop();
  for (const name of [root, `${root}.json`]) await rm(name, { recursive: true, force: true });
});

/** It, in a pipe: what it tells, how it fares, and how it ends. */
function watch(t, ...options) {
  const child = spawn(binary, ['watch', '--json', ...options, box], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  const watching = {
    err: '',
    ended: once(child, 'close').then(([code]) => code),
    told: () => out.split('\n').filter(Boolean).map((line) => JSON.parse(line)),
    words: () => watching.told().map(({ type, object }) => `${[type].flat().at(-1)} ${(object?.id ?? object ?? '').slice(box.length)}`),
    async comes(condition, what, seconds = 60) {
      await until(condition, what, seconds).catch((error) => {
        throw new Error(`${error.message}\n${out}\n${watching.err}`);
      });
    },
    says: (words) => watching.comes(() => words.test(watching.err), `it says ${words}`),
    tells: (words) => watching.comes(() => watching.words().includes(words), `it tells ${words}`),
    /** Ctrl-C. */
    async end() {
      child.kill('SIGINT');
      return watching.ended;
    },
  };
  child.stdout.on('data', (part) => (out += part));
  child.stderr.on('data', (part) => (watching.err += part));
  return watching;
}

test('a container is listened to by WebSocket, whoever is logged in', async (t) => {
  const watching = watch(t, '--credentials', credentials);
  await watching.says(/listening to .*\(websocket\)/);
  await put(alice, `${box}new`);
  await remove(alice, `${box}new`);
  await watching.tells('Remove new');
  assert.deepEqual(watching.words().filter((words) => words !== 'Update '), ['Add new', 'Remove new']);
  assert.equal(await watching.end(), 0);
  assert.doesNotMatch(watching.err, /GAP|lost/);
});

test('who does not log in is refused', async (t) => {
  const watching = watch(t);
  assert.equal(await watching.ended, 3);
  assert.match(watching.err, /log in with/);
});

test('what that server does not offer is said at once, or done without if that is wished', async (t) => {
  const strict = watch(t, '--credentials', credentials, '--recursive');
  assert.equal(await strict.ended, 1);
  assert.match(strict.err, /does not offer what is below.*--fallback listens to the folder alone/);
  const streaming = watch(t, '--credentials', credentials, '--type', 'eventsource');
  assert.equal(await streaming.ended, 1);
  assert.match(streaming.err, /eventsource|EventSource/);
  const lenient = watch(t, '--credentials', credentials, '--recursive', '--fallback');
  await lenient.says(/does not offer what is below; going on without/);
  await lenient.says(/listening to/);
  await put(alice, `${box}member`);
  await lenient.tells('Add member');
  assert.equal(await lenient.end(), 0);
});

test('it comes back to a server that was killed, and says that something may be missing', async (t) => {
  const watching = watch(t, '--credentials', credentials);
  await watching.says(/listening to/);
  await put(alice, `${box}1`);
  await watching.tells('Add 1');
  await css.kill();
  await watching.says(/connection lost/);
  css = await startCss(root, port);
  await watching.says(/GAP: this server cannot tell what happened meanwhile/);
  await put(alice, `${box}2`);
  await watching.tells('Add 2');
  assert.match(watching.err, /connection lost[^]*listening to[^]*GAP/);
  assert.doesNotMatch(watching.err, /resumed/, 'what it cannot do it does not claim');
  const told = watching.words().filter((words) => words !== 'Update ');
  assert.deepEqual([told[0], told.at(-1)], ['Add 1', 'Add 2']);
  assert.equal(told.length, 3, `the gap stands between: ${told}`);
  assert.equal(watching.told().filter(({ type }) => type === 'urn:podbell:terms#Gap').length, 1);
  assert.equal(await watching.end(), 0);
});

test('a channel that is deleted meanwhile is made anew', async (t) => {
  const watching = watch(t, '--credentials', credentials);
  await watching.says(/listening to/);
  await css.kill();
  await rm(path.join(root, '.internal/notifications'), { recursive: true, force: true });
  css = await startCss(root, port);
  await watching.says(/connection lost[^]*GAP/);
  await watching.comes(async () => {
    await put(alice, `${box}anew`);
    await remove(alice, `${box}anew`);
    return watching.words().some((words) => words === 'Add anew');
  }, 'it hears again', 180);
  assert.equal(await watching.end(), 0);
});
