// Who hears what through the live updates of `rdflib`, which sends no credentials on its socket.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import rdf from 'rdflib';
import WebSocket from 'ws';
import { login, logout, put, putAcl, remove, request } from './clients.js';
import { endSockets, following, newest, Overheard } from './live.js';
import { start, until } from './server.js';

const V = rdf.Namespace('http://vocab.example/#');

let server, alice, bob, carol;
before(async () => {
  server = await start('--seed', 'alice,bob,carol');
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => login(server, name)));
});
afterEach(endSockets);
after(async () => {
  await logout(alice, bob, carol);
  await server?.stop();
});

const at = (path) => server.users.alice.root + path;

/** A private document or container of alice, which `readers` may read. */
async function shared(path, readers, body = '<> <http://vocab.example/#name> "zero" .') {
  const url = at(path);
  await put(alice, url, url.endsWith('/') ? '' : body);
  await putAcl(alice, url, server.users.alice.webid, readers.map((name) => server.users[name].webid));
  return rdf.sym(url);
}

const renamed = (name) => `<> <http://vocab.example/#name> "${name}" .`;
const name = ({ store }, doc) => store.anyValue(doc, V('name'), null, doc);

/** What a socket at `Updates-Via` of a HEAD answers to one `sub`. */
async function asked(session, doc) {
  const answer = await (session?.fetch ?? fetch)(doc.value, { method: 'HEAD' });
  const socket = new Overheard(answer.headers.get('updates-via'));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  socket.send(`sub ${doc.value}`);
  await until(() => socket.heard.some((line) => line.includes(doc.value)), 'an answer');
  return socket;
}

describe('a private document', () => {
  test('is heard by its reader through Updates-Via alone', async () => {
    const doc = await shared('rdflib-updates/private', ['bob']);
    const bobs = await following(bob, doc);
    assert.deepEqual(bobs.socket.said, [`sub ${doc.value}`]);
    for (const n of [1, 2, 3]) {
      await put(alice, doc.value, renamed(`change ${n}`));
      await until(() => name(bobs, doc) === `change ${n}`, 'bob has what alice wrote');
      assert.equal(bobs.reloads, n);
    }
    assert.equal(bobs.socket.pubs(), 3);
  });

  test('is not heard by a stranger, neither without nor with a name', async () => {
    const doc = await shared('rdflib-updates/closed', ['bob']);
    const absent = rdf.sym(at('rdflib-updates/absent'));
    const [bobs, anybody, carols, nothing] = [await following(bob, doc), await asked(null, doc), await asked(carol, doc), await asked(carol, absent)];
    const err = (socket, { value }) => assert.ok(socket.heard.includes(`err ${value} forbidden`), socket.heard.join('\n'));
    err(anybody, doc);
    err(carols, doc);
    err(nothing, absent);
    await put(alice, doc.value, renamed('for bob'));
    await until(() => bobs.reloads === 1, 'bob hears');
    for (const socket of [anybody, carols]) {
      // Whatever was told before has come when the answer to this has.
      socket.send('ping now');
      await until(() => socket.heard.includes('pong now'), 'a pong');
      assert.equal(socket.pubs(), 0);
    }
  });

  test('is no longer heard after Read is withdrawn', async () => {
    const doc = await shared('rdflib-updates/withdrawn', ['bob']);
    const bobs = await following(bob, doc);
    await put(alice, doc.value, renamed('one'));
    await until(() => bobs.reloads === 1, 'bob hears');
    await putAcl(alice, doc.value, server.users.alice.webid, []);
    await put(alice, doc.value, renamed('two'));
    await until(() => bobs.socket.heard.includes(`err ${doc.value} forbidden`), 'bob is told that it is over');
    await put(alice, doc.value, renamed('three'));
    bobs.socket.send('ping now');
    await until(() => bobs.socket.heard.includes('pong now'), 'a pong');
    assert.deepEqual([bobs.socket.pubs(), bobs.reloads, name(bobs, doc)], [1, 1, 'one']);
    assert.equal(bobs.socket.readyState, WebSocket.OPEN, 'a closed socket would be opened again and again');
  });
});

test('one reload for each foreign change, and none for one\'s own patch', async () => {
  const doc = await shared('rdflib-updates/both', []);
  const [first, second] = [await following(alice, doc), await following(alice, doc)];
  const rename = ({ store, updater }, to) =>
    updater.update(store.statementsMatching(doc, V('name'), null, doc).slice(), [rdf.st(doc, V('name'), rdf.lit(to), doc)]);
  await rename(first, 'by the first');
  await until(() => name(second, doc) === 'by the first' && first.socket.pubs() === 1, 'both are told');
  assert.deepEqual([first.reloads, second.reloads], [0, 1]);
  await rename(second, 'by the second');
  await until(() => name(first, doc) === 'by the second' && second.socket.pubs() === 2, 'both are told');
  assert.deepEqual([first.reloads, second.reloads], [1, 1]);
});

test('a folder is loaded again when a child is made, changed and deleted, and not for what is deeper', async () => {
  const box = await shared('rdflib-updates/box/', ['bob']);
  const child = rdf.sym(`${box.value}child`);
  const bobs = await following(bob, box);
  const members = () => bobs.store.each(box, rdf.Namespace('http://www.w3.org/ns/ldp#')('contains'), null, box).map((one) => one.value);
  await put(alice, child.value, renamed('made'));
  await until(() => bobs.reloads === 1, 'a child was made');
  assert.deepEqual(members(), [child.value]);
  await put(alice, child.value, renamed('changed'));
  await until(() => bobs.reloads === 2, 'a child was changed');
  await put(alice, `${box.value}deep/`, '');
  await until(() => bobs.reloads === 3, 'a folder was made');
  await put(alice, `${box.value}deep/deeper`, renamed('deeper'));
  await remove(alice, `${box.value}deep/deeper`);
  await remove(alice, child.value);
  await until(() => bobs.reloads === 4, 'a child was deleted');
  assert.deepEqual(members(), [`${box.value}deep/`]);
});

test('what the same agent is told twice is the same URL, so that sockets can be shared', async () => {
  const docs = [await shared('rdflib-updates/same', ['bob']), rdf.sym(at('rdflib-updates/missing'))];
  const told = async (session, { value }) => (await request(session, 'HEAD', value, undefined, {}, /./)).headers.get('updates-via');
  const [one, two] = [await told(bob, docs[0]), await told(bob, docs[1])];
  assert.equal(one, two);
  assert.notEqual(one, await told(carol, docs[0]));
  assert.match(one, /^ws:\/\/localhost:\d+\/\.notifications\/solid-0\.1\/[\w-]+$/);
});

test('after a crash of the server it comes back with the URL that it has, and reads what it has missed', async () => {
  const doc = await shared('rdflib-updates/crash', ['bob']);
  const bobs = await following(bob, doc);
  await server.crash();
  // Proofs from before the start are refused, and their times are whole seconds.
  await until(() => put(alice, doc.value, renamed('meanwhile')).then(() => true, () => false), 'alice writes');
  await until(() => name(bobs, doc) === 'meanwhile', 'bob has what he missed');
  const socket = newest();
  assert.notEqual(socket, bobs.socket);
  assert.equal(socket.url, bobs.socket.url);
  await until(() => socket.heard.includes(`ack ${doc.value}`), 'it is acknowledged again');
  await put(alice, doc.value, renamed('later'));
  await until(() => name(bobs, doc) === 'later', 'bob hears again');
  assert.equal(socket.pubs(), 1);
});
