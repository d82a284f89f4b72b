// A pod moves from Community Solid Server to Podbell and back: what was written over HTTP is read back over HTTP.
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { acl, logout, request } from './clients.js';
import { loginAtCss, startCss } from './css.js';
import { giveLogin, membersOf, podbell, statements } from './moving.js';
import { freePorts, start } from './server.js';

const LABEL = 'http://www.w3.org/2000/01/rdf-schema#label';
const BOB = 'https://bob.example/profile/card#me';
const bytes = Uint8Array.from({ length: 100_000 }, (_, n) => (n * n) % 251);

/** Path, media type, body. */
const documents = [
  ['notes/one', 'text/turtle', '@prefix ex: <http://e.example/>.\n# kept\n<> ex:next <../two.ttl>, <#it> .'],
  ['two.ttl', 'text/turtle', '<> <http://e.example/p> "é" .'],
  ['three.jsonld', 'application/ld+json', '{"@id":"","http://e.example/p":"three"}'],
  ['four', 'application/ld+json', '{"@id":"","http://e.example/p":"four"}'],
  ['five.nt', 'application/n-triples', '<http://e.example/s> <http://e.example/p> "five" .\n'],
  ['page.html', 'text/html', '<!doctype html><p>page'],
  ['text', 'text/plain', 'no extension'],
  ['text.txt', 'text/plain', 'an extension'],
  ['picture.txt', 'image/png', bytes],
  ['picture.jpeg', 'image/jpeg', bytes],
  ['feed', 'application/atom+xml', '<feed/>'],
  ['odd', 'application/x-of-my-own', 'odd'],
  ['odd.json', 'application/x-of-my-own', 'odder'],
  ['latin.txt', 'text/plain; charset=iso-8859-1', Uint8Array.of(0xe9)],
  ['parameters', 'application/x-of-my-own; level=1', 'with parameters'],
  ['code.ts', 'text/plain', 'let x;'],
  ['README.md', 'text/markdown', '# Me'],
  ['bytes.bin', 'application/octet-stream', bytes],
  ['archive.tar.gz', 'application/gzip', bytes],
  ['empty.txt', 'text/plain', ''],
  ['with%20space.txt', 'text/plain', 'space'],
  ['a%2Bb.txt', 'text/plain', 'plus'],
  ['100%25.txt', 'text/plain', 'percent'],
  ['%2541.txt', 'text/plain', 'an escaped escape'],
  ['%C3%BC%E2%82%AC/%F0%9F%94%94.txt', 'text/plain', 'unicode'],
  ["it's%20(1)!.txt", 'text/plain', 'marks'],
  ['%24me%40home%2C%3B%3D%26.txt', 'text/plain', 'delimiters'],
  ['no%23fragment.txt', 'text/plain', 'hash'],
  ['x%2By/z%2Bw/deep', 'text/turtle', '<> <http://e.example/p> "deep" .'],
  ['dot.in.name', 'text/plain', 'dots'],
  ['.hidden', 'text/plain', 'hidden'],
];
/** Read by name alone: what Community Solid Server lists of them is none of their names. */
const unlisted = [['16%3A30.txt', 'text/plain', 'half past four']];
const described = ['', 'notes/', 'notes/one', 'empty.txt', 'picture.txt', 'a%2Bb.txt'];
const ruled = ['notes/', 'text', 'a%2Bb.txt', '%C3%BC%E2%82%AC/'];

let port, directory, css, alice, carol, server;
before(async () => {
  [port, directory] = await Promise.all([freePorts(), mkdtemp(path.join(tmpdir(), 'podbell-css-'))]);
});
after(async () => {
  await logout(alice, carol);
  await css?.stop();
  await server?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function furnish(pod, webid) {
  for (const [name, type, body] of [...documents, ...unlisted]) {
    await request(alice, 'PUT', pod + name, body, { 'Content-Type': type });
  }
  for (const name of ['hollow/', 'hollow/inner/', 'e%2Bf/']) {
    await request(alice, 'PUT', pod + name, '', { 'Content-Type': 'text/turtle' });
  }
  for (const name of described) {
    const patch = `@prefix solid: <http://www.w3.org/ns/solid/terms#>.
      _:p a solid:InsertDeletePatch; solid:inserts { <${pod}${name}> <${LABEL}> "About ${name}" }.`;
    await request(alice, 'PATCH', `${pod}${name}.meta`, patch, { 'Content-Type': 'text/n3' });
  }
  for (const name of ruled) {
    const rules = acl(pod + name, webid, [BOB]);
    await request(alice, 'PUT', `${pod}${name}.acl`, rules, { 'Content-Type': 'text/turtle' });
  }
}

/** Everything that is in a pod, as its owner reads it. */
async function picture(session, root) {
  const read = (iri, accept = '*/*') => session.fetch(iri, { headers: { Accept: accept } });
  const found = {};
  const containers = [root];
  const look = async (iri) => {
    const name = iri.slice(root.length);
    const seen = { at: name };
    if (iri.endsWith('/')) {
      const members = membersOf(await (await read(iri, 'text/turtle')).text(), iri, root);
      seen.members = members.filter((member) => !/^16%/.test(member));
      containers.push(...seen.members.filter((member) => member.endsWith('/')).map((member) => root + member));
      for (const member of seen.members.filter((member) => !member.endsWith('/'))) await look(root + member);
    } else {
      const answer = await read(iri);
      seen.status = answer.status;
      seen.type = answer.headers.get('content-type');
      seen.modified = new Date(answer.headers.get('last-modified')).toISOString();
      const body = Buffer.from(await answer.arrayBuffer());
      // It holds the pod's own URL, which changes.
      seen.body = name === 'profile/card' ? statements(body.toString(), iri, root) : body.toString('base64');
    }
    const rules = await read(`${iri}.acl`, 'text/turtle');
    seen.acl = rules.ok ? statements(await rules.text(), `${iri}.acl`, root) : rules.status;
    const about = await read(`${iri}.meta`, 'text/turtle');
    seen.about = about.ok ? statements(await about.text(), `${iri}.meta`, root).filter((line) => line.includes(LABEL)) : [];
    found[name] = seen;
  };
  while (containers.length) {
    const next = containers.pop();
    if (!(next.slice(root.length) in found)) await look(next);
  }
  for (const [name] of unlisted) await look(root + name);
  return found;
}

test('a pod moves from Community Solid Server to Podbell and back', { timeout: 180_000 }, async () => {
  const root = path.join(directory, 'root');
  [css, server] = await Promise.all([startCss(root, port), start()]);
  alice = await loginAtCss(css);
  await furnish(css.pod, css.webid);
  // She will log in at both: her document names the new provider before she moves.
  const both = `@prefix solid: <http://www.w3.org/ns/solid/terms#>.
    _:p a solid:InsertDeletePatch; solid:inserts { <${css.webid}> solid:oidcIssuer <${server.issuer}> }.`;
  await request(alice, 'PATCH', `${css.pod}profile/card`, both, { 'Content-Type': 'text/n3' });
  const there = await picture(alice, css.pod);
  for (const [name, type, body] of documents) {
    assert.ok(there[name], `${name} is not among ${Object.keys(there)}`);
    assert.equal(there[name].type, type);
    assert.equal(there[name].body, Buffer.from(body).toString('base64'), name);
  }
  await logout(alice);
  await css.stop();

  const folder = path.join(root, 'alice');
  const said = await podbell(server, 'pod', 'import', folder, 'carol', '--from', css.pod, '--rewrite-documents');
  assert.doesNotMatch(said, /left out|unwise|refused/);
  const pod = `${server.base}carol/`;
  carol = await giveLogin(server, 'carol');
  assert.deepEqual(await picture(carol, pod), there);

  // Podbell has names that are spelt otherwise, which are one file there.
  for (const name of ['new+name.txt', 'twice+.txt', 'twice%2B.txt']) {
    await request(carol, 'PUT', pod + name, name, { 'Content-Type': 'text/plain' });
  }
  const files = path.join(directory, 'files');
  await podbell(server, 'pod', 'export', 'carol', files, '--to', css.pod, '--rewrite-documents');
  await rename(folder, path.join(directory, 'before'));
  await rename(files, folder);
  css = await startCss(root, port);
  alice = await loginAtCss(css);
  const again = await picture(alice, css.pod);
  for (const [name, body] of [['new%2Bname.txt', 'new+name.txt'], ['twice%2B.txt', 'twice%2B.txt']]) {
    assert.equal(atob(again[name].body), body);
  }
  again[''].members = again[''].members.filter((name) => !/^(new|twice|%2574wice)/.test(name));
  for (const name of Object.keys(again).filter((name) => /^(new|twice|%2574wice)/.test(name))) delete again[name];
  assert.deepEqual(again, there);
});
