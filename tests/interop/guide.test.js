// The commands of docs/guide.md and of the pages below docs/guide do what is printed below them; those of the README and
// of docs/extensions.md that push are taken, and somebody is called; what an owner asks there is answered.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { PATH, examples, page, pattern, reader, shell } from './guide.js';
import { freePorts, start, until } from './server.js';

let server;
before(async () => {
  server = await start();
});
after(() => server?.stop());

for (const [name, least] of [['docs/guide.md', 13], ['docs/guide/which.md', 7], ['docs/guide/lws.md', 5]]) {
  test(`every command of ${name} does what is shown there`, async () => {
    const guide = await page(server, name);
    const found = examples(guide);
    assert.ok(found.length >= least, `${found.length} examples`);
    assert.equal(found.length, guide.match(/^```sh$/gm).length);
    // Each piece as a shell reads it from a person, so that one cannot swallow the next.
    const { parts, complaints } = await shell(found.map(({ commands }) => `{\n${commands}} </dev/null`), await reader(server));
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

/** Runs commands; each of their requests must have been taken. What each piece put out, that of the path first. */
async function taken(pieces) {
  const { parts, complaints } = await shell([PATH, ...pieces], await reader(server));
  const told = complaints.split('\n').filter(Boolean);
  for (const line of told) assert.match(line, /^[A-Z]+ http\S+ -> 2\d\d$/);
  assert.equal(told.length, pieces.join('').match(/podbell as/g).length);
  return parts.slice(0, -1);
}

test('the webhook of the README rings', async (t) => {
  const port = await freePorts();
  const [receiver, ring, ...others] = examples(await page(server, 'README.md', 'A webhook rings', port));
  assert.deepEqual(others, []);
  const heard = await receive(t, receiver.commands, port);
  await taken([ring.commands]);
  const { type, object } = await until(() => heard() && JSON.parse(heard()), 'it is called');
  assert.deepEqual([type, object], ['Add', `${server.users.alice.root}b.txt`]);
});

test('the commands about what is pushed are taken, and ring', async (t) => {
  const port = await freePorts();
  const [receiver, ...others] = examples(await page(server, 'docs/extensions.md', 'What is pushed', port));
  const heard = await receive(t, receiver.commands, port);
  await taken(others.map(({ commands }) => commands));
  await until(() => heard().includes('"type":"urn:podbell:terms#Ping"'), 'it is called');
  assert.match(heard(), /^POST \/in \{/m);
});

test('what the owner of a storage asks is answered', async () => {
  const pieces = [];
  for (const [section, count] of [['Who listens to my storage', 1], ['What happened lately', 1]]) {
    const found = examples(await page(server, 'docs/extensions.md', section));
    assert.equal(found.length, count, section);
    pieces.push(...found.map(({ commands }) => commands));
  }
  const parts = await taken(pieces);
  const [listening, happened] = parts.slice(1).map((part) => part.trim().split('\n').flatMap((line) => line.split(/(?<=\})(?=\{"@context")/)).map((line) => JSON.parse(line)));
  assert.deepEqual(listening[0].storage, [{ id: server.users.alice.root }]);
  assert.equal(listening.length, 3);
  assert.ok(happened[0].activity.length <= 5);
  assert.equal(happened[1].minutes.length, 60);
});
