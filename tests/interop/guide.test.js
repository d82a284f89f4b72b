// The commands of docs/guide.md do what is printed below them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { start } from './server.js';

const PRINTED = 'http://localhost:3000/';

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

test('every command of the guide does what the guide shows', async () => {
  const guide = await readFile(new URL('../../docs/guide.md', import.meta.url), 'utf8');
  const found = examples(guide.replaceAll(PRINTED, server.base));
  assert.ok(found.length > 12, `${found.length} examples`);
  assert.equal(found.length, guide.match(/^```sh$/gm).length);
  // The folder of a reader: the built program, and the data of the server that runs.
  const folder = path.join(server.data, 'folder of a reader');
  await mkdir(path.join(folder, 'target/release'), { recursive: true });
  await symlink(server.binary, path.join(folder, 'target/release/podbell'));
  await symlink(server.data, path.join(folder, 'podbell-data'));
  // Each piece as a shell reads it from a person, so that one cannot swallow the next.
  const { parts, complaints } = await shell(found.map(({ commands }) => `{\n${commands}} </dev/null`), folder);
  found.forEach(({ commands, shown }, at) => assert.match(parts[at] ?? '', pattern(shown), `${commands}${complaints}`));
  // `podbell as` has curl tell the status of each answer.
  assert.equal(complaints.replace(/^[A-Z]+ http\S+ -> 2\d\d$/gm, '').trim(), '');
});
