// The commands of docs/guide.md and of the pages below docs/guide do what is printed below them; those of the README and
// of docs/extensions.md that push are taken, and somebody is called.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePorts, start, until } from './server.js';

// Of http and of ws.
const PRINTED = '//localhost:3000/';
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
async function page(name, section, port = 8080) {
  const text = await readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
  const part = section ? text.slice(text.indexOf(`\n## ${section}\n`) + 1).split(/^## /m)[1] : text;
  assert.ok(part?.startsWith(section ?? '#'), `${name}: ${section}`);
  return part.replaceAll(PRINTED, server.base.replace('http:', '')).replaceAll('8080', port);
}

for (const [name, least] of [['docs/guide.md', 13], ['docs/guide/which.md', 7], ['docs/guide/lws.md', 5]]) {
  test(`every command of ${name} does what is shown there`, async () => {
    const guide = await page(name);
    const found = examples(guide);
    assert.ok(found.length >= least, `${found.length} examples`);
    assert.equal(found.length, guide.match(/^```sh$/gm).length);
    // Each piece as a shell reads it from a person, so that one cannot swallow the next.
    const { parts, complaints } = await shell(found.map(({ commands }) => `{\n${commands}} </dev/null`), await reader());
    found.forEach(({ commands, shown }, at) => assert.match(parts[at] ?? '', pattern(shown), `${commands}${complaints}`));
    // `podbell as` has curl tell the status of each answer; a refusal that is to be shown says so itself.
    assert.equal(complaints.replace(/^[A-Z]+ http\S+ -> 2\d\d$/gm, '').trim(), '');
  });
}

/** Starts a receiver as a page does, on `port`; gives what it prints, and ends with the test. */
async function receive(t, commands, port) {
  const called = spawn('bash', ['-c', `exec ${commands}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => called.kill());
  let heard = '';
  called.stdout.on('data', (chunk) => (heard += chunk));
  await until(() => fetch(`http://localhost:${port}/`).catch(() => undefined), 'the receiver answers');
  return () => heard;
}

/** Runs commands; each of their requests must have been taken. */
async function taken(pieces) {
  const { complaints } = await shell([PATH, ...pieces], await reader());
  const told = complaints.split('\n').filter(Boolean);
  for (const line of told) assert.match(line, /^[A-Z]+ http\S+ -> 2\d\d$/);
  assert.equal(told.length, pieces.join('').match(/podbell as/g).length);
}

test('the webhook of the README rings', async (t) => {
  const port = await freePorts();
  const [receiver, ring, ...others] = examples(await page('README.md', 'A webhook rings', port));
  assert.deepEqual(others, []);
  const heard = await receive(t, receiver.commands, port);
  await taken([ring.commands]);
  const { type, object } = await until(() => heard() && JSON.parse(heard()), 'it is called');
  assert.deepEqual([type, object], ['Add', `${server.users.alice.root}b.txt`]);
});

test('the commands about what is pushed are taken, and ring', async (t) => {
  const port = await freePorts();
  const [receiver, ...others] = examples(await page('docs/extensions.md', 'What is pushed', port));
  const heard = await receive(t, receiver.commands, port);
  await taken(others.map(({ commands }) => commands));
  await until(() => heard().includes('"type":"urn:podbell:terms#Ping"'), 'it is called');
  assert.match(heard(), /^POST \/in \{/m);
});
