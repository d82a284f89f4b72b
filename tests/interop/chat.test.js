// Two people with an inbox and an outbox each: a message wakes exactly the right socket.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import rdf from 'rdflib';
import { channel, hears, inrupt, login, logout, put, putAcl, request } from './clients.js';
import { endSockets, following } from './live.js';
import { start } from './server.js';

/** `rdflib` on the legacy socket, as the others are: what it heard is how often it was told. */
async function legacy(session, url) {
  const { socket } = await following(session, rdf.sym(url));
  return {
    get heard() {
      return socket.heard.filter((line) => line.startsWith('pub '));
    },
    close: endSockets,
  };
}

for (const [layout, args] of [
  ['on one origin', []],
  ['on two subdomains', ['--subdomains']],
]) {
  describe(`two accounts ${layout}`, () => {
    let server;
    after(async () => {
      await server?.stop();
    });
    test('exactly the right socket wakes', async () => {
      server = await start(...args);
      const people = {};
      for (const name of ['alice', 'bob']) {
        people[name] = { session: await login(server, name), ...server.users[name] };
      }
      if (args.length) assert.notEqual(new URL(people.alice.root).origin, new URL(people.bob.root).origin);
      const sockets = [];
      for (const [name, other] of [['alice', 'bob'], ['bob', 'alice']]) {
        const me = people[name];
        for (const box of ['inbox/', 'outbox/']) {
          const url = me.root + box;
          await put(me.session, url, '');
          // The other may read the outbox, and append to the inbox.
          const modes = box === 'inbox/' ? 'acl:Append' : 'acl:Read';
          await putAcl(me.session, url, me.webid, [people[other].webid], modes);
          for (const [kind, listen] of [['inrupt', inrupt], ['channel', channel], ['legacy', legacy]]) {
            sockets.push({ name: `${kind} ${name} ${box}`, url, client: await listen(me.session, url) });
          }
        }
      }
      const post = (session, url) =>
        request(session, 'POST', url, '<#m> <http://schema.org/text> "hello" .', { 'Content-Type': 'text/turtle' });
      const expected = new Map();
      for (const [from, url] of [
        ['alice', people.bob.root + 'inbox/'],
        ['alice', people.alice.root + 'outbox/'],
        ['bob', people.alice.root + 'inbox/'],
        ['bob', people.bob.root + 'outbox/'],
      ]) {
        const before = sockets.map(({ client }) => client.heard.length);
        await post(people[from].session, url);
        expected.set(url, (expected.get(url) ?? 0) + 1);
        for (const { client, url: topic } of sockets) if (topic === url) await hears(client, expected.get(url));
        sockets.forEach(({ client, url: topic, name }, at) =>
          assert.equal(client.heard.length - before[at], topic === url ? 1 : 0, name),
        );
      }
      for (const { client } of sockets) client.close();
      await logout(people.alice.session, people.bob.session);
    });
  });
}
