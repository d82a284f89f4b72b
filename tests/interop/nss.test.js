// A pod of Node Solid Server moves in: its files are those that the published server kept, see fixtures/nss.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { logout } from './clients.js';
import { giveLogin, membersOf, podbell, statements } from './moving.js';
import { start } from './server.js';

const fixture = fileURLToPath(new URL('fixtures/nss', import.meta.url));
let server, dora;
before(async () => {
  server = await start();
});
after(async () => {
  await logout(dora);
  await server?.stop();
});

test('a pod of Node Solid Server is read as that server told it', async () => {
  const { base, said, listed } = JSON.parse(await readFile(path.join(fixture, 'said.json'), 'utf8'));
  const told = await podbell(
    server, 'pod', 'import', path.join(fixture, 'pod'), 'dora', '--from', base, '--rewrite-documents', '--issuer', server.issuer,
  );
  assert.doesNotMatch(told, /left out|refused/);
  assert.match(told, /^unwise: .*profile\/card: it came without an ACL/m);
  assert.equal(told.match(/unwise/g).length, 1);
  // The old provider is gone; who comes from it logs in at the new one.
  dora = await giveLogin(server, 'dora');
  const pod = `${server.base}dora/`;
  const read = (name) => dora.fetch(pod + name);
  for (const { name, type, body } of said) {
    const answer = await read(name);
    assert.equal(answer.status, 200, name);
    // Node Solid Server tells a character set of every text.
    assert.equal(answer.headers.get('content-type'), type.replace(/; charset=utf-8$/, ''), name);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (name === 'notes/one') {
      assert.deepEqual(statements(bytes.toString(), pod + name, pod), statements(atob(body), base + name, base));
    } else if (name !== 'profile/card') {
      assert.equal(bytes.toString('base64'), body, name);
    }
  }
  for (const [name, turtle] of Object.entries(listed)) {
    const members = membersOf(turtle, base + name, base).filter((member) => !/^(favicon.ico|index.html|robots.txt)$/.test(member));
    assert.deepEqual(membersOf(await (await read(name)).text(), pod + name, pod), members, `what is in ${name}`);
  }
  for (const name of ['notes/.acl', 'a%2Bb.txt.acl', '.acl', 'text.meta']) {
    const file = await readFile(path.join(fixture, 'pod', decodeURIComponent(name)), 'utf8');
    const found = statements(await (await read(name)).text(), pod + name, pod);
    assert.deepEqual(found, statements(file, base + name, base), name);
  }
  assert.match(await (await read('notes/.meta')).text(), /"About notes\/"/);
  assert.equal((await fetch(`${pod}page.html`)).status, 200, 'what everybody could read');
  assert.equal((await fetch(`${pod}a%2Bb.txt`)).status, 401);
});
