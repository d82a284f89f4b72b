// The commands of docs/guide.md do what is printed below them; those of the README and of docs/extensions.md that push
// are taken, and somebody is called.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { listen } from './receivers/listening.js';
import { freePorts, start, until } from './server.js';

const PRINTED = 'http://localhost:3000/';
const PRINTED_RECEIVER = 'http://localhost:8080/';
const PATH = 'PATH=$PWD/target/release:$PATH';

/** `{ commands, shown }` for each block of commands, with the block of output that follows it, if one does. */
function examples(guide) {
  const block = /^```sh\n(.*?)^```\n(?:```\n(.*?)^```\n)?/gms;
  return [...guide.matchAll(block)].map(([, commands, shown = '']) => ({ commands, shown }));
}

/** One shell for all, as a reader has; gives what each piece put out. */
async function shell(pieces, cwd) {
  const mark = '--- that was it ---';
  const script = pieces.map((piece) => `${piece}\nprintf '%s\\n' '${mark}'\n`).join('');
  const child = spawn('bash', ['-s'], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, complaints] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (complaints += chunk));
  child.stdin.end(script);
  await new Promise((resolve) => child.on('close', resolve));
  // A terminal does not show the ends of lines of HTTP.
  return { parts: out.replaceAll('\r\n', '\n').split(`${mark}\n`), complaints };
}

/** `…` in what is printed stands for anything within a line. */
const pattern = (shown) => new RegExp(`^${shown.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^\\n]*')}$`);

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

/** The folder of a reader: the built program, and the data of the server that runs. */
async function reader() {
  const folder = path.join(server.data, 'folder of a reader');
  await mkdir(path.join(folder, 'target/release'), { recursive: true });
  await Promise.all([
    symlink(server.binary, path.join(folder, 'target/release/podbell')),
    symlink(server.data, path.join(folder, 'podbell-data')),
  ]).catch(({ code }) => assert.equal(code, 'EEXIST'));
  return folder;
}

/** What a page says, or one section of it, with the addresses of this run. */
async function page(name, section, receiver = PRINTED_RECEIVER) {
  const text = await readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
  const part = section ? text.slice(text.indexOf(`\n## ${section}\n`) + 1).split(/^## /m)[1] : text;
  assert.ok(part?.startsWith(section ?? '#'), `${name}: ${section}`);
  return part.replaceAll(PRINTED, server.base).replaceAll(PRINTED_RECEIVER, receiver);
}

test('every command of the guide does what the guide shows', async () => {
  const guide = await page('docs/guide.md');
  const found = examples(guide);
  assert.ok(found.length > 12, `${found.length} examples`);
  assert.equal(found.length, guide.match(/^```sh$/gm).length);
  // Each piece as a shell reads it from a person, so that one cannot swallow the next.
  const { parts, complaints } = await shell(found.map(({ commands }) => `{\n${commands}} </dev/null`), await reader());
  found.forEach(({ commands, shown }, at) => assert.match(parts[at] ?? '', pattern(shown), `${commands}${complaints}`));
  // `podbell as` has curl tell the status of each answer.
  assert.equal(complaints.replace(/^[A-Z]+ http\S+ -> 2\d\d$/gm, '').trim(), '');
});

test('the webhook of the README rings', async (t) => {
  const port = await freePorts();
  const [receiver, ring, ...others] = examples((await page('README.md', 'A webhook rings')).replaceAll('8080', port));
  assert.deepEqual(others, []);
  const called = spawn('bash', ['-c', `exec ${receiver.commands}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => called.kill());
  let heard = '';
  called.stdout.on('data', (chunk) => (heard += chunk));
  await until(() => fetch(`http://localhost:${port}/`).catch(() => undefined), 'the receiver answers');
  const { complaints } = await shell([PATH, ring.commands], await reader());
  assert.equal(complaints.match(/^[A-Z]+ http\S+ -> 20[01]$/gm)?.length, 2, complaints);
  const { type, object } = await until(() => heard && JSON.parse(heard), 'it is called');
  assert.deepEqual([type, object], ['Add', `${server.users.alice.root}b.txt`]);
});

test('the commands about what is pushed are taken, and ring', async (t) => {
  const hook = await listen();
  t.after(() => hook.close());
  const found = examples(await page('docs/extensions.md', 'What is pushed', hook.url('/')));
  const { complaints } = await shell([PATH, ...found.map(({ commands }) => commands)], await reader());
  const told = complaints.split('\n').filter(Boolean);
  assert.equal(told.length, found.map(({ commands }) => commands.match(/podbell as/g).length).reduce((sum, count) => sum + count));
  for (const line of told) assert.match(line, /^[A-Z]+ http\S+ -> 2\d\d$/);
  const [ping] = await hook.arrives(1);
  assert.deepEqual([new URL(ping.url).pathname, JSON.parse(ping.body).type], ['/in', 'urn:podbell:terms#Ping']);
});
