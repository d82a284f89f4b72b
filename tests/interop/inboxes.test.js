// Inboxes that a running server tells: on the published Community Solid Server, which lets the sender in by its own rules,
// and on this very server.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { logout, people, put, putAcl, request } from './clients.js';
import { loginAtCss, startCss } from './css.js';
import { ask, graph, senderOf, subscribe, TERMS } from './receivers/subscribing.js';
import { freePorts, until } from './server.js';

const CONTAINS = 'http://www.w3.org/ns/ldp#contains';
const REASON = `${TERMS}lastFailureReason`;

const { server, alice, bob } = await people();

const topicOf = (name) => `${server.users.alice.root}pushed/${name}`;
const members = async (session, of) => (await graph(session, of)).getObjects(of, CONTAINS, null).map(({ value }) => value);
const firstOf = (session, inbox) => until(async () => (await members(session, inbox))[0], 'the inbox has a member', 30);

test('T-L01 T-L02 R-LDN-2 an inbox on Community Solid Server that only the sender may add to', async (t) => {
  const [port, directory] = [await freePorts(), await mkdtemp(path.join(tmpdir(), 'podbell-inbox-'))];
  const css = await startCss(path.join(directory, 'css'), port);
  let owner;
  t.after(async () => {
    await logout(owner);
    await css.stop();
    await rm(directory, { recursive: true, force: true });
  });
  owner = await loginAtCss(css);
  const [inbox, closed] = [`${css.pod}inbox/`, `${css.pod}closed/`];
  const topic = topicOf('told-elsewhere');
  await put(owner, inbox, '');
  await put(owner, closed, '');
  await putAcl(owner, inbox, css.webid, [senderOf(server)], 'acl:Append');
  await putAcl(owner, closed, css.webid, []);
  const channel = await subscribe(alice, server, 'LDNChannel2023', { topic, sendTo: inbox });
  assert.deepEqual([channel.status, channel.location, channel.sender], [201, channel.id, senderOf(server)]);
  const refused = await subscribe(alice, server, 'LDNChannel2023', { topic, sendTo: closed });
  await put(alice, topic);
  const member = await firstOf(owner, inbox);
  const told = JSON.parse((await request(owner, 'GET', member, undefined, { Accept: 'application/ld+json' })).body_text);
  assert.ok(JSON.stringify(told).includes(topic), JSON.stringify(told));
  const health = await until(async () => {
    const channel = await ask(alice, 'GET', refused.id);
    return channel[REASON] && channel;
  }, 'the inbox that is closed has refused', 30);
  assert.equal(health[REASON], 'refused with 403');
  assert.deepEqual(await members(owner, closed), []);
});

test('R-LDN-3 an inbox of this server is written to as the sender, as far as its rules let it', async () => {
  const inbox = `${server.users.bob.root}inbox/`;
  const topic = topicOf('told-here');
  await put(bob, inbox, '');
  await putAcl(bob, inbox, server.users.bob.webid, []);
  const channel = await subscribe(alice, server, 'LDNChannel2023', { topic, sendTo: inbox });
  await put(alice, topic);
  await until(async () => (await ask(alice, 'GET', channel.id))[REASON] === 'refused with 403', 'it is refused');
  await putAcl(bob, inbox, server.users.bob.webid, [senderOf(server)], 'acl:Append');
  // What was refused comes again by itself.
  const member = await firstOf(bob, inbox);
  const told = await request(bob, 'GET', member, undefined, { Accept: 'application/ld+json' });
  assert.ok(told.body_text.includes(topic), told.body_text);
  await request(alice, 'GET', member, undefined, {}, /^403$/);
});
