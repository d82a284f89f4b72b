// Starts the release binary on free ports with an empty data folder, and ends it by its own id.
import { execFile, spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const binary =
  process.env.PODBELL_BINARY ?? fileURLToPath(new URL('../../target/release/podbell', import.meta.url));

// The names under localhost are this machine (RFC 6761 §6.3); not every resolver knows it.
const lookup = dns.lookup;
dns.lookup = (name, options, callback) => lookup(/(^|\.)localhost$/.test(name) ? 'localhost' : name, options, callback);

/** Two neighbouring free ports: the pods' origin and the provider's. */
export async function freePorts() {
  const taken = (port) =>
    new Promise((resolve, reject) => {
      const probe = net.createServer();
      probe.once('error', reject);
      probe.listen(port, '127.0.0.1', () => {
        const { port: got } = probe.address();
        probe.close(() => resolve(got));
      });
    });
  for (;;) {
    const port = await taken(0);
    try {
      await taken(port + 1);
      return port;
    } catch {
      // The neighbour is in use: another pair.
    }
  }
}

/** Waits until `condition` gives a truthy value, and gives it; fails after `seconds`. */
export async function until(condition, what, seconds = 15) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A running server: `{ base, binary, data, issuer, users: { alice: { webid, root, id, secret } }, crash(), stop() }`. */
export const start = (...args) => startAt('localhost', ...args);

/** The same under another name of this machine. */
export async function startAt(host, ...args) {
  const data = await mkdtemp(path.join(tmpdir(), 'podbell-interop-'));
  let output = '';
  let base, child, exited;
  const run = () => {
    child = spawn(binary, ['serve', '--base-url', base, '--data', data, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    exited = once(child, 'exit');
    return until(async () => {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${output}`);
      const answer = await fetch(`${base}.well-known/solid`).catch(() => undefined);
      return answer?.ok && (await readFile(path.join(data, 'demo.env'), 'utf8').catch(() => undefined));
    }, 'the server answers').catch((error) => {
      child.kill('SIGKILL');
      throw new Error(`${error.message}\n${output}`);
    });
  };
  let env;
  for (let attempts = 5; env === undefined; attempts--) {
    base = new URL(`http://${host}:${await freePorts()}/`).href;
    env = await run().catch((error) => {
      // Another test was quicker to take it.
      if (attempts === 0 || !error.message.includes('is taken by another program')) throw error;
    });
  }
  const values = Object.fromEntries(
    env
      .split('\n')
      .filter((line) => line.includes('=') && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const users = {};
  for (const [key, webid] of Object.entries(values)) {
    const name = /^USERS_(.*)_WEBID$/.exec(key)?.[1];
    if (!name) continue;
    users[name.toLowerCase()] = {
      webid,
      root: webid.replace(/profile\/card#me$/, ''),
      id: values[`USERS_${name}_CLIENTID`],
      secret: values[`USERS_${name}_CLIENTSECRET`],
      password: values[`USERS_${name}_PASSWORD`],
    };
  }
  return {
    base,
    binary,
    data,
    users,
    issuer: values.SOLID_IDENTITY_PROVIDER,
    output: () => output,
    /** Ends it without warning, and starts it again on what is on disk; `meanwhile` is what happens to that in between. */
    async crash(meanwhile = () => {}) {
      child.kill('SIGKILL');
      await exited;
      await meanwhile();
      await run();
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Runs the binary on the data of a server; what it said. */
export async function podbell(server, ...args) {
  const { stdout, stderr } = await promisify(execFile)(server.binary, [...args, '--data', server.data, '--base-url', server.base]);
  return stdout + stderr;
}
