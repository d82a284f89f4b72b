// Linked Web Storage: what a subscription may ask for, and what it is answered.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { put } from './clients.js';
import { receive } from './lws/receiver.js';
import { tells } from './lws/streams.js';
import { CONTEXT, MEDIA_TYPE, WEBHOOK, WEBSOCKET } from './lws/terms.js';
import { path, world } from './lws/world.js';

let here, c, receiver, bob;
before(async () => {
  [here, receiver] = await Promise.all([world(), receive()]);
  bob = here.bob.lws;
  c = await here.container();
});
after(async () => {
  receiver?.close();
  await here?.close();
});
afterEach(async () => {
  for (const management of await bob.listed()) await bob.cancel(management);
});

const asks = (more) => ({ '@context': CONTEXT, type: WEBHOOK, topic: [c], inbox: receiver.url(), ...more });

async function refused(body, status, headers = {}, person = bob) {
  const answer = await person.post(body, headers);
  const text = await answer.text();
  assert.equal(answer.status, status, `${JSON.stringify(body)}: ${text}`);
  assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
  return { ...JSON.parse(text), headers: answer.headers };
}

test('T-LWS-05 each type on offer is subscribed to, and no other', async () => {
  for (const type of bob.types) {
    const made = await bob.subscribe(type, c, type === WEBHOOK ? { inbox: receiver.url() } : {});
    assert.equal((await bob.state(made.management)).type, type);
  }
  for (const type of ['LongPollSubscription', 'WebSocketChannel2023', `${CONTEXT}#${WEBHOOK}`, '']) {
    await refused(asks({ type }), 400);
  }
});

test('T-LWS-06 R-LWS-9 a webhook on two topics is answered with where it is looked after', async () => {
  const answer = await bob.post(asks({ topic: [c, `${c}a`] }));
  assert.equal(answer.status, 200);
  const made = await bob.made(answer, WEBHOOK);
  assert.equal(made.subscription, made.management);
  assert.deepEqual(new Set((await bob.state(made.management)).topic), new Set([c, `${c}a`]));
});

test('T-LWS-09 T-LWS-10 one unreadable topic refuses all, whether or not it is there', async () => {
  await put(here.alice, `${c}closed/there`);
  await here.allow(`${c}closed/`, []);
  const told = [];
  for (const name of ['there', 'none!']) {
    const { headers, ...problem } = await refused(asks({ topic: [c, `${c}closed/${name}`] }), 403);
    told.push([JSON.stringify(problem).replaceAll(name, ''), [...headers.keys()].filter((key) => key !== 'date')]);
  }
  assert.deepEqual(told[0], told[1]);
  assert.deepEqual(await bob.list().then(({ items, total }) => [items, total]), [[], 0]);
  // It is the rule that refuses: alice may.
  await here.webhook(here.alice, [c, `${c}closed/there`], receiver);
});

test('T-LWS-10 R-LWS-10 nobody without a token subscribes, also to what is public', async () => {
  const open = `${here.root}lws-public`;
  await put(here.alice, open);
  await here.open(open);
  assert.equal((await fetch(open)).status, 200);
  const answers = [];
  for (const topic of [[c], [`${c}no-such`], [open]]) {
    const answer = await fetch(bob.endpoint, {
      method: 'POST',
      headers: { 'Content-Type': MEDIA_TYPE },
      body: JSON.stringify(asks({ topic })),
    });
    answers.push(answer.status);
    assert.match(answer.headers.get('www-authenticate') ?? '', /DPoP/);
  }
  assert.deepEqual(answers, [401, 401, 401]);
});

test('T-LWS-11 R-LWS-11 what is no subscription is a bad request', async () => {
  const without = (member) => Object.fromEntries(Object.entries(asks()).filter(([name]) => name !== member));
  const relative = [['a'], [path(c)], ['//localhost/alice/'], ['']];
  const strange = [['https://elsewhere.example/a'], ['urn:uuid:1'], ['file:///etc/passwd'], [5], 5, null, {}, [[c]], [c, null]];
  const bad = [without('type'), without('topic'), without('inbox'), asks({ topic: [] }), asks({ type: 5 }), asks({ type: [WEBHOOK] })];
  for (const topic of [...relative, ...strange]) bad.push(asks({ topic }));
  for (const inbox of [5, 'here', ['x'], null]) bad.push(asks({ inbox }));
  bad.push(asks({ topic: Array.from({ length: 10_000 }, (_, index) => `${c}${index}`).slice(0, 600) }));
  for (const body of [...bad, '', '{', '[]', '"x"', 'null', '<a> <b> <c> .']) await refused(body, 400);
  assert.deepEqual(await bob.listed(), []);
});

test('T-LWS-12 one topic may be a string, and what is unknown is nothing', async () => {
  const body = asks({ topic: `${c}a#part`, nonsense: { deep: [1] }, receiveFrom: 5 });
  delete body['@context'];
  const made = await bob.made(await bob.post(body), WEBHOOK);
  const state = await bob.state(made.management);
  assert.deepEqual([state.topic, 'nonsense' in state], [[`${c}a`], false]);
  const twice = await bob.made(await bob.post(asks({ topic: [c, c, `${c}#x`] })), WEBHOOK);
  assert.deepEqual((await bob.state(twice.management)).topic, [c]);
});

test('T-LWS-13 the media type is that of LWS, by either name', async () => {
  for (const type of ['text/plain', 'text/turtle', 'application/x-www-form-urlencoded']) {
    await refused(asks(), 415, { 'Content-Type': type });
  }
  for (const type of ['application/ld+json; profile="https://www.w3.org/ns/lws/v1"', `${MEDIA_TYPE}; charset=utf-8`]) {
    await bob.made(await bob.post(asks(), { 'Content-Type': type }), WEBHOOK);
  }
  // Too much is refused before it is all read: whoever goes on sending may not see the answer.
  const large = await bob.post(' '.repeat(100_000) + JSON.stringify(asks())).catch(() => undefined);
  assert.ok([413, undefined].includes(large?.status), `${large?.status}`);
});

test('T-LWS-14 a context that is not known is not fetched', async (t) => {
  const asked = [];
  const site = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(200, { 'Content-Type': 'application/ld+json' }).end('{"@context":{}}');
  });
  await new Promise((resolve) => site.listen(0, 'localhost', resolve));
  t.after(() => site.close());
  const context = [CONTEXT, `http://localhost:${site.address().port}/context`];
  const made = await bob.made(await bob.post(asks({ '@context': context, type: WEBSOCKET })), WEBSOCKET);
  assert.equal((await bob.state(made.management)).type, WEBSOCKET);
  const socket = await here.socket(here.bob, c);
  await put(here.alice, `${c}a`);
  await tells(socket, 1);
  assert.deepEqual(asked, []);
  await refused(asks({ '@context': context[1] }), 400);
});

test('T-LWS-15 R-LWS-12 a long life is shortened, and says so; one that has ended is none', async () => {
  const years = new Date(Date.now() + 10 * 365 * 86_400_000).toISOString();
  for (const type of bob.types) {
    const made = await bob.subscribe(type, c, { expires: years, ...(type === WEBHOOK ? { inbox: receiver.url() } : {}) });
    const state = await bob.state(made.management);
    // A webhook lives for as long as it acknowledges, so what it asks for is not too long.
    const most = type === WEBHOOK ? Date.parse(years) : Date.now() + 15 * 86_400_000;
    assert.ok(Date.parse(made.expires) > Date.now() && Date.parse(made.expires) <= most, `${type}: ${made.expires}`);
    assert.equal(Date.parse(state.expires), Date.parse(made.expires));
  }
  const hour = new Date(Date.now() + 3_600_000).toISOString();
  const { expires } = await bob.subscribe(WEBHOOK, c, { inbox: receiver.url(), expires: hour });
  assert.ok(Math.abs(Date.parse(expires) - Date.parse(hour)) < 1000, expires);
  for (const wrong of ['2020-01-01T00:00:00Z', 'tomorrow', 5]) await refused(asks({ expires: wrong }), 400);
});
