// Pages of the documentation as readers take them: their commands, in a folder of theirs, on a server that runs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';

// Of http and of ws.
const PRINTED = '//localhost:3000/';
export const PATH = 'PATH=$PWD/target/release:$PATH';

/** `{ commands, shown }` for each block of commands, with the block of output that follows it, if one does. */
export function examples(guide) {
  const block = /^```sh\n(.*?)^```\n(?:```\n(.*?)^```\n)?/gms;
  return [...guide.matchAll(block)].map(([, commands, shown = '']) => ({ commands, shown }));
}

/** One shell for all, as a reader has; gives what each piece put out. */
export async function shell(pieces, cwd) {
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
export const pattern = (shown) => new RegExp(`^${shown.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^\\n]*')}$`);

/** The folder of a reader: the built program, and the data of the server that runs. */
export async function reader(server) {
  const folder = path.join(server.data, 'folder of a reader');
  await mkdir(path.join(folder, 'target/release'), { recursive: true });
  await Promise.all([
    symlink(server.binary, path.join(folder, 'target/release/podbell')),
    symlink(server.data, path.join(folder, 'podbell-data')),
  ]).catch(({ code }) => assert.equal(code, 'EEXIST'));
  return folder;
}

/** What a page says, or one section of it with those below it, with the addresses of a server and of whom it calls. */
export async function page(server, name, section, port = 8080) {
  const text = await readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
  const there = part(text, name, section).replaceAll(PRINTED, server.base.replace('http:', ''));
  return there.replaceAll(encodeURIComponent(PRINTED), encodeURIComponent(server.base.replace('http:', ''))).replaceAll('8080', port);
}

function part(text, name, section) {
  if (!section) return text;
  const [heading, level] = text.split('\n').map((line) => [line, /^#{2,3}(?= )/.exec(line)?.[0]]).find(([line, marks]) => marks && line === `${marks} ${section}`) ?? [];
  assert.ok(heading, `${name}: ${section}`);
  const from = text.slice(text.indexOf(`\n${heading}\n`) + heading.length + 1);
  return from.split(new RegExp(`^#{2,${level.length}} `, 'm'))[0];
}
