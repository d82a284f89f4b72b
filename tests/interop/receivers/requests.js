// Requests as Podbell signs them, and what it publishes for them, without a server that pushes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Runs a program with JSON on its standard input; the JSON that it prints. */
export async function run(program, args, input, env = {}) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const [printed, said] = [[], []];
  child.stdout.on('data', (chunk) => printed.push(chunk));
  child.stderr.on('data', (chunk) => said.push(chunk));
  child.stdin.end(JSON.stringify(input));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program}: ${Buffer.concat(said)}`);
  return JSON.parse(Buffer.concat(printed));
}

export const example = (name) => process.env.PODBELL_EXAMPLES
  ? `${process.env.PODBELL_EXAMPLES}/${name}`
  : path(`../../../target/release/examples/${name}`);

/** The requests, signed, and a site that publishes what verifies them. */
export async function sign(wishes) {
  let documents = {};
  const site = createServer((request, response) => {
    const forms = documents[request.url];
    if (!forms) return response.writeHead(404).end();
    const type = Object.keys(forms).find((type) => request.headers.accept?.includes(type)) ?? Object.keys(forms)[0];
    response.writeHead(200, { 'content-type': type }).end(forms[type]);
  });
  await new Promise((resolve) => site.listen(0, 'localhost', resolve));
  const origin = `http://localhost:${site.address().port}`;
  const signed = await run(example('sign'), [], { origin, requests: wishes });
  documents = signed.documents;
  return {
    ...signed,
    sender: `${origin}/.notifications/sender`,
    issuer: `${origin}/.notifications/issuer`,
    requests: signed.requests.map((request) => ({ ...request, body: Buffer.from(request.body, 'base64') })),
    close: () => new Promise((resolve) => site.close(resolve)),
  };
}
