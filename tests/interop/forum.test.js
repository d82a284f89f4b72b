// What was asked in the forum of notifications in Solid, told as a story of one container: by `rdflib` on the legacy
// socket, and by `@solid-notifications/subscription` on a channel. Bob listens, who may read it; carol may not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import rdf from 'rdflib';
import { acl, channel, login, logout, put, putAcl, remove, short } from './clients.js';
import { endSockets, following, Overheard } from './live.js';
import { start, until } from './server.js';

let server, alice, bob, carol, box;
before(async () => {
  server = await start('--seed', 'alice,bob,carol');
  [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => login(server, name)));
  box = `${server.users.alice.root}forum/my_container/`;
  await put(alice, box, '');
  await putAcl(alice, box, server.users.alice.webid, [server.users.bob.webid]);
});
after(async () => {
  endSockets();
  await logout(alice, bob, carol);
  await server?.stop();
});

/** What carol gets, who asks all the same. */
async function refused(topic) {
  const answer = await carol.fetch(topic, { method: 'HEAD' });
  const socket = new Overheard(answer.headers.get('updates-via'));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  socket.send(`sub ${topic}`);
  await until(() => socket.heard.includes(`err ${topic} forbidden`), 'a refusal');
  await assert.rejects(channel(carol, topic));
  return socket;
}

test('the story of the forum, row by row', async () => {
  const legacy = await following(bob, rdf.sym(box));
  const listener = await channel(bob, box);
  const carols = await refused(box);
  const file = `${box}my_folder/my_file`;
  const write = (url, text) => put(alice, url, `<> <http://vocab.example/#name> "${text}" .`);
  const { webid } = server.users.alice;
  // What is done; how often the socket tells of the container for it; what the channel tells.
  const rows = [
    ['a file is made in a folder that is missing', () => write(file, 'one'), 1, 'Add my_folder/'],
    ['the file is changed', () => write(file, 'two'), 0],
    ['the file is deleted', () => remove(alice, file), 0],
    ['the folder is deleted', () => remove(alice, `${box}my_folder/`), 1, 'Remove my_folder/'],
    ['a child is made', () => write(`${box}child`, 'one'), 1, 'Add child'],
    ['the child is changed', () => write(`${box}child`, 'two'), 1],
    ['its rules are written', () => put(alice, `${box}child.acl`, acl(`${box}child`, webid)), 0],
  ];
  let [pubs, told, marks] = [0, [], 0];
  for (const [what, act, published, says] of rows) {
    await act();
    pubs += published;
    if (says) told = [...told, says];
    // Two that come together are one `pub`.
    await until(() => legacy.socket.pubs() >= pubs, `${what}: the socket tells`);
    // Each knows by a mark that nothing more is on its way: one by what it is answered, the other by a child of its own.
    await write(`${box}mark-${marks}`, 'x');
    told = [...told, `Add mark-${marks}`];
    marks += 1;
    pubs += 1;
    await until(() => legacy.socket.pubs() >= pubs && listener.heard.length >= told.length, `${what}: both are told`);
    assert.equal(legacy.socket.pubs(), pubs, what);
    const kinds = short(listener).map((line) => line.replace(new URL(box).pathname, ''));
    assert.deepEqual(kinds, told, what);
  }
  const [first] = listener.heard;
  assert.deepEqual([first.object, first.target], [`${box}my_folder/`, box]);
  // And rdflib shows the folder as it is.
  const members = () => legacy.store.each(rdf.sym(box), rdf.Namespace('http://www.w3.org/ns/ldp#')('contains')).length;
  await until(() => members() === 1 + marks, 'the folder is loaded again');
  carols.send('ping now');
  await until(() => carols.heard.includes('pong now'), 'a pong');
  assert.equal(carols.pubs(), 0);
});
