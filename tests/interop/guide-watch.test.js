// The commands of docs/guide/watch.md run as they are printed, and tell what is shown there.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { login, logout, put, remove } from './clients.js';
import { PATH, examples, page, reader } from './guide.js';
import { start, until } from './server.js';

let server, alice, folder, found;
before(async () => {
  server = await start();
  [alice, folder] = await Promise.all([login(server, 'alice'), reader(server)]);
  found = examples(await page(server, 'docs/guide/watch.md'));
});
after(async () => {
  if (alice) await logout(alice);
  await server?.stop();
});

/** Runs commands until the test ends: `{ said(), ended }`; what they put out and complain of, as a terminal shows it. */
function run(t, commands) {
  const child = spawn('bash', ['-c', `${PATH}\nexec 2>&1\n${commands}`], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  t.after(async () => {
    // Those that it has started too; they may have gone already.
    if (child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await ended;
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  return { said: () => text, ended };
}

/** A line that is shown, whatever the time, the wait, and the reason of a cut. */
function like(line) {
  const literal = line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/^\d\d:\d\d:\d\d/, '\\d\\d:\\d\\d:\\d\\d').replace(/lost .* s$/, 'lost \\(.*\\); coming back in [\\d\\\\.]+ s')}$`, 'm');
}

const holds = (program, line) => until(() => like(line).test(program.said()), `${line}; so far: ${program.said()}`, 30);
const at = (name) => `${server.users.alice.root}${name}`;
const withJq = { skip: spawnSync('jq', ['--version']).error ? 'jq is not installed' : false };

test('the guide has no other commands than those tried here', () => assert.equal(found.length, 4));

test('what is shown is told, over a cut', async (t) => {
  const [{ commands, shown }] = found;
  const lines = shown.trim().split('\n');
  const program = run(t, commands);
  const steps = [
    [2, () => {}],
    [2, () => put(alice, at('notes/a.txt'))],
    [1, () => put(alice, at('notes/a.txt'), '<#it> <#is> "another" .')],
    [2, () => server.crash()],
    [1, () => remove(alice, at('notes/a.txt'))],
  ];
  assert.equal(steps.reduce((sum, [count]) => sum + count, 0), lines.length);
  for (const [count, step] of steps) {
    await step();
    for (const line of lines.splice(0, count)) await holds(program, line);
  }
});

test('a pipe is told at once', withJq, async (t) => {
  const program = run(t, found[1].commands);
  await holds(program, `podbell: listening to ${server.users.alice.root} (websocket)`);
  await put(alice, at('piped.txt'));
  await holds(program, at('piped.txt'));
});

test('a later run goes on where the earlier one has ended', withJq, async (t) => {
  const first = run(t, `podbell watch --as alice --json --count 1 ${server.users.alice.root} > changes.json`);
  await holds(first, `podbell: listening to ${server.users.alice.root} (websocket)`);
  await put(alice, at('first.txt'));
  assert.equal(await first.ended, 0);
  await put(alice, at('between.txt'));
  run(t, found[2].commands);
  const kept = async () => (await readFile(path.join(folder, 'changes.json'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line).object);
  await until(async () => (await kept()).length > 1, 'what was missed is told');
  assert.deepEqual(await kept(), [at('first.txt'), at('between.txt')]);
});

test('a script waits for one change', async (t) => {
  // It is quiet, and what is written before it listens is not for it: so write until it has heard.
  const program = run(t, found[3].commands);
  let code;
  program.ended.then((ended) => (code = ended));
  for (let count = 0; code === undefined && count < 200; count += 1) await put(alice, at('waited.txt'), `<#it> <#is> ${count} .`);
  assert.equal(await program.ended, 0);
  assert.match(program.said(), /^\d\d:\d\d:\d\d {2}(Create|Update) {2}\/alice\/waited\.txt\n$/);
});
