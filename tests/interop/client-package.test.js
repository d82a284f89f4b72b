// @podbell/client as it is published: the files, the types, and the README, whose examples run as they are printed.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as client from '../../clients/javascript/src/index.js';
import { login, logout, put, remove, request } from './clients.js';
import { start, until } from './server.js';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../clients/javascript/', import.meta.url));
const here = fileURLToPath(new URL('node_modules/', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

let reader;
before(async () => {
  reader = await mkdtemp(path.join(tmpdir(), 'podbell-client-'));
  await mkdir(path.join(reader, 'node_modules/@podbell'), { recursive: true });
  await symlink(folder, path.join(reader, 'node_modules/@podbell/client'));
  await symlink(path.join(here, '@inrupt'), path.join(reader, 'node_modules/@inrupt'));
  await writeFile(path.join(reader, 'package.json'), '{"type":"module"}');
});
after(() => rm(reader, { recursive: true, force: true }));

test('what is published is the source, the README and the licences, and depends on nothing', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json'], { cwd: folder });
  const files = JSON.parse(stdout)[0].files.map((file) => file.path);
  assert.deepEqual(files.filter((file) => !/^src\/[a-z0-9-]+(\/[a-z0-9-]+)?\.js$/.test(file)).sort(), ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json', 'src/index.d.ts']);
  const about = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  assert.deepEqual([about.dependencies, about.scripts], [undefined, undefined]);
  for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) {
    assert.equal(await readFile(path.join(folder, name), 'utf8'), await readFile(new URL(`../../${name}`, import.meta.url), 'utf8'));
  }
  const imports = [];
  for (const file of files.filter((file) => file.endsWith('.js'))) {
    const source = await readFile(path.join(folder, file), 'utf8');
    imports.push(...[...source.matchAll(/^(?:import|export) .*from '([^']*)'/gm)].map(([, from]) => from));
    assert.ok(!/\beval\(|new Function\b|\bimport\(/.test(source.replace(/import\('[./\w-]*index\.d\.ts'\)|import\('\.\.?\/[\w./-]+\.js'\)\./g, '')), file);
  }
  assert.ok(imports.length > 10 && imports.every((from) => /^\.\.?\/.*\.js$/.test(from)), imports.join());
});

const SAMPLE = `
import { discover, subscribe, type Ending, type Gap, type Notification, type Options, type Service, type State, type Subscription, type Transport } from '@podbell/client';
class Socket { constructor(readonly url: string, readonly protocols?: string | string[]) {} }
const options: Options = {
  fetch: globalThis.fetch, transports: ['websocket', 'solid-0.1'], recursive: true, activityTypes: ['Create'], notCausedByMe: true,
  rate: 1, startAt: new Date(), endAt: new Date(), cursor: 'c', fallback: true, signal: new AbortController().signal,
  WebSocket: Socket, reconnect: { first: 1, longest: 2 },
  onNotification({ type, object, target, published }: Notification) { const at: number | undefined = published?.valueOf(); void [type, object, target, at]; },
  onGap: (gap: Gap) => void gap.reason, onState: (state: State) => void state, onEnd: (ending: Ending) => void ending.code,
};
const subscription: Subscription = subscribe(['https://pod.example/'], options);
const transport: Transport | undefined = subscription.transport;
const waiting: [string?, Date?] = [subscription.problem, subscription.retryAt];
for await (const { id, raw } of subscription) void [id, raw, transport, waiting];
const { services }: { services: Service[] } = await discover('https://pod.example/', { fetch });
void [services.map(({ features }) => features.includes('recursive')), subscription.ready, (await subscription.ended).message];
await subscription.close();
`;

const compile = (file) => run(process.execPath, [tsc, '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', file], { cwd: reader });

test('the types hold for a program that uses all of it, and for nothing else', async () => {
  const wrong = ["subscribe(7)", "subscribe('x', { transports: ['smoke'] })", "subscribe('x', { onGap: (gap: string) => {} })", "subscribe('x').state = 'open'"];
  // The compiler also complains where nothing is wrong.
  await writeFile(path.join(reader, 'sample.ts'), SAMPLE + wrong.map((line) => `// @ts-expect-error\n${line};\n`).join(''));
  await compile('sample.ts').catch(({ stdout }) => assert.fail(stdout));
});

test('what is exported is described, and what is described is exported', async () => {
  const types = await readFile(path.join(folder, 'src/index.d.ts'), 'utf8');
  const described = [...types.matchAll(/^export (?:function|const|class) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(described.sort(), Object.keys(client).sort());
  const has = (name) => types.slice(types.indexOf('export interface Subscription')).includes(` ${name}`);
  const control = new AbortController();
  const subscription = client.subscribe('http://localhost:1/', { signal: control.signal });
  const own = [...Object.keys(subscription), ...Object.getOwnPropertyNames(Object.getPrototypeOf(subscription))];
  control.abort();
  for (const name of own.filter((name) => name !== 'constructor')) assert.ok(has(name), name);
});

test('the examples of the README do what they say', async () => {
  const server = await start();
  const alice = await login(server, 'alice');
  const running = [];
  try {
    const text = (await readFile(path.join(folder, 'README.md'), 'utf8')).replaceAll('http://localhost:3000/', server.base);
    const examples = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);
    assert.equal(examples.length, 3);
    const begin = async (number) => {
      await writeFile(path.join(reader, `${number}.js`), examples[number]);
      const { id, secret } = server.users.alice;
      const env = { ...process.env, CLIENT_ID: id, CLIENT_SECRET: secret, ISSUER: server.issuer };
      const child = spawn(process.execPath, [`${number}.js`], { cwd: reader, env, stdio: ['ignore', 'pipe', 'pipe'] });
      const program = { out: '', child, ended: new Promise((resolve) => child.on('exit', resolve)) };
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (program.out += chunk));
      running.push(program);
      return program;
    };
    const says = (program, words) => until(() => program.out.includes(words), `${words}; so far: ${program.out}`);
    const stop = async ({ child, ended }) => {
      child.kill('SIGKILL');
      await ended;
    };
    const card = `${server.users.alice.root}profile/card`;
    const { body_text: profile } = await request(alice, 'GET', card, undefined, { Accept: 'text/turtle' });
    const change = () => put(alice, card, `${profile}\n<#x> <#y> "${Math.random()}" .`);

    const [everybody, mine, again] = [await begin(0), await begin(1), await begin(2)];
    await says(everybody, 'listening by eventsource'.slice(0, process.versions.node.startsWith('20.') ? undefined : 12));
    await says(again, 'resumes: true');
    await change();
    await says(everybody, `Update ${card}`);
    await says(again, `Update ${card}`);

    await says(mine, 'listening');
    const note = `${server.users.alice.root}notes/deep/note`;
    await put(alice, note);
    await remove(alice, note);
    await says(mine, `Create ${note}`);
    await says(mine, 'over: closed');

    await until(async () => readFile(path.join(reader, 'cursor'), 'utf8').catch(() => ''), 'the cursor is kept');
    await stop(again);
    await change();
    const later = await begin(2);
    await says(later, `Update ${card}`);
    assert.ok(!later.out.includes('gap'), later.out);
  } finally {
    for (const { child, ended } of running) {
      child.kill('SIGKILL');
      await ended;
    }
    await logout(alice);
    await server.stop();
  }
});
