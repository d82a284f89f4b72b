// The published Community Solid Server on a directory of its own, with one person and her pod; ended by its own id.
import { Session } from '@inrupt/solid-client-authn-node';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { until } from './server.js';

const program = path.join(path.dirname(createRequire(import.meta.url).resolve('@solid/community-server')), '../bin/server.js');
const person = { email: 'alice@example.org', password: 'a horse and a battery' };

/** Starts it on `root` with alice's pod, which is made if it is not there: `{ base, pod, webid, stop() }`. */
export async function startCss(root, port) {
  const base = `http://localhost:${port}/`;
  const seed = `${root}.json`;
  await writeFile(seed, JSON.stringify([{ ...person, pods: [{ name: 'alice' }] }]));
  const child = spawn(
    process.execPath,
    [program, '-c', '@css:config/file.json', '-f', root, '-p', String(port), '-l', 'warn', '--seedConfig', seed],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = once(child, 'exit');
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`Community Solid Server ended:\n${output}`);
      return (await fetch(`${base}alice/profile/card`).catch(() => undefined))?.ok;
    },
    'Community Solid Server answers',
    60,
  ).catch((error) => {
    child.kill('SIGKILL');
    throw new Error(`${error.message}\n${output}`);
  });
  return {
    base,
    pod: `${base}alice/`,
    webid: `${base}alice/profile/card#me`,
    output: () => output,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
    /** Ends it as a crash would. */
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The API of accounts, as its pages use it. */
async function ask(url, body, token) {
  const headers = { Accept: 'application/json' };
  if (body) headers['Content-Type'] = 'application/json';
  if (token) headers.Authorization = `CSS-Account-Token ${token}`;
  const response = await fetch(url, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** What a program of alice's logs in with, which her account there makes: `{ id, secret }`. */
export async function clientAtCss(css) {
  const { controls } = await ask(`${css.base}.account/`);
  const { authorization } = await ask(controls.password.login, person);
  const account = (await ask(`${css.base}.account/`, undefined, authorization)).controls.account;
  return ask(account.clientCredentials, { name: 'test', webId: css.webid }, authorization);
}

/** Another account with a pod and its WebID: `{ email, password, pod, webid, client: { id, secret } }`. */
export async function accountAtCss(css, name) {
  const index = `${css.base}.account/`;
  const login = { email: `${name}@example.org`, password: `a donkey and ${name}` };
  const { authorization } = await ask((await ask(index)).controls.account.create, {});
  const { controls } = await ask(index, undefined, authorization);
  await ask(controls.password.create, login, authorization);
  const { pod, webId: webid } = await ask(controls.account.pod, { name }, authorization);
  const client = await ask(controls.account.clientCredentials, { name: 'test', webId: webid }, authorization);
  return { ...login, pod, webid, client };
}

/** A session of alice, or of whoever a program belongs to. */
export async function loginAtCss(css, client) {
  const made = client ?? (await clientAtCss(css));
  const session = new Session({ keepAlive: false });
  await session.login({ oidcIssuer: css.base, clientId: made.id, clientSecret: made.secret });
  if (!session.info.isLoggedIn) throw new Error(`nobody is logged in at ${css.base}`);
  return session;
}
