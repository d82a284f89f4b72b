// The parts of @podbell/client that need no server: what they make of what servers say, whole or in pieces.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Channel, features } from '../../clients/javascript/src/channel.js';
import { services } from '../../clients/javascript/src/description.js';
import { EventStream } from '../../clients/javascript/src/event-stream.js';
import { Cut, Ended, Over } from '../../clients/javascript/src/failure.js';
import { retryAfter } from '../../clients/javascript/src/http.js';
import { discover, subscribe } from '../../clients/javascript/src/index.js';
import { JsonStream } from '../../clients/javascript/src/json-stream.js';
import { targets } from '../../clients/javascript/src/links.js';
import { read } from '../../clients/javascript/src/message.js';
import { Queue } from '../../clients/javascript/src/queue.js';
import { Seen } from '../../clients/javascript/src/seen.js';
import { delay, watch } from '../../clients/javascript/src/wait.js';
import { conversation } from '../../clients/javascript/src/ways/lines.js';
import { closed } from '../../clients/javascript/src/ways/socket.js';
import { freePorts } from './server.js';

const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
const AS = 'https://www.w3.org/ns/activitystreams#';

/** What a reader makes of a text in pieces of so many characters. */
const inPieces = (reader, text, size) => {
  const found = [];
  for (let at = 0; at < text.length; at += size) found.push(...reader.read(text.slice(at, at + size)));
  return found;
};

describe('event streams', () => {
  const text =
    '\uFEFF: hello\nretry: 3000\n\nid: 1\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: gap\rid:2\rdata:x\r\rdata\n\nid\ndata:  two blanks\nunknown: x\n\nevent: lost\n\ndata: not yet';
  const events = [
    { event: 'message', data: '{"a":\n1}', id: '1' },
    { event: 'gap', data: 'x', id: '2' },
    { event: 'message', data: '', id: '2' },
    { event: 'message', data: ' two blanks', id: '' },
  ];

  test('lines end in each of the three ways, and an event with an empty line', () => {
    const stream = new EventStream();
    assert.deepEqual(stream.read(text), events);
    assert.equal(stream.comments, 1);
  });

  test('wherever it is split, it says the same', () => {
    for (let size = 1; size < text.length; size += 1) assert.deepEqual(inPieces(new EventStream(), text, size), events, `by ${size}`);
  });

  test('an event without an end is not kept for ever', () => {
    const stream = new EventStream();
    assert.throws(() => {
      for (let count = 0; count < 40; count += 1) stream.read('x'.repeat(1024 * 1024));
    }, /too long/);
  });
});

describe('streams of JSON', () => {
  const documents = ['{"a":"}{\\"[","b":[1,{"c":[]}]}', '{}', '{\n  "d": "\\\\"\n}'];

  test('one to a line, with more white space, or in an array without an end', () => {
    for (const text of [documents.join('\n'), documents.join(''), `\r\n[ ${documents.join(' ,\n')}`, `[${documents.join()}]\n`]) {
      for (let size = 1; size <= text.length; size += 1) assert.deepEqual(inPieces(new JsonStream(), text, size), documents, `${text} by ${size}`);
    }
  });

  test('a message without an end is not kept for ever', () => {
    const stream = new JsonStream();
    stream.read('{"a":"');
    assert.throws(() => {
      for (let count = 0; count < 40; count += 1) stream.read('x'.repeat(1024 * 1024));
    }, /too long/);
  });
});

describe('links', () => {
  const header = '<a>; rel="type next", <b;,>; title="x, <y>; rel=no"; REL="Described-By", <http://other/>;rel=next, <c>; rel="NO"';
  const at = (relation) => targets(header, relation, 'http://here/x/');

  test('targets are found by each of their relations, quoted or not', () => {
    assert.deepEqual(at('next'), ['http://here/x/a', 'http://other/']);
    assert.deepEqual(at('described-by'), ['http://here/x/b;,']);
    assert.deepEqual(at('y'), []);
    assert.deepEqual(targets(null, 'x', 'http://here/'), []);
  });
});

describe('descriptions', () => {
  const websocket = [{ transport: 'websocket', url: 'http://here/ws/', features: ['state', 'recursive'] }];

  test('compacted, with prefixes, expanded, nested or flat', () => {
    const said = [
      { '@context': 'c', id: 'x', subscription: [{ id: 'ws/', channelType: 'WebSocketChannel2023', feature: ['state', 'urn:podbell:terms#recursive'] }] },
      { '@context': { n: NOTIFY, p: { '@id': 'urn:podbell:terms#' } }, '@id': 'x', 'n:subscription': { '@id': '/ws/', 'n:channelType': 'n:WebSocketChannel2023', 'n:feature': [{ '@id': 'n:state' }, { '@id': 'p:recursive' }] } },
      [
        { '@id': 'http://here/', [`${NOTIFY}subscription`]: [{ '@id': 'http://here/ws/' }] },
        { '@id': 'http://here/ws/', [`${NOTIFY}channelType`]: [{ '@id': `${NOTIFY}WebSocketChannel2023` }], [`${NOTIFY}feature`]: [{ '@id': `${NOTIFY}state` }, { '@id': 'urn:podbell:terms#recursive' }] },
      ],
      { '@graph': [{ id: 'x', 'notify:subscription': 'ws/' }, { id: 'ws/', channelType: 'http://www.w3.org/ns/solid/notification#WebSocketChannel2023', feature: 'state', 'notify:feature': 'urn:podbell:terms#recursive' }] },
    ];
    for (const document of said) assert.deepEqual(services(document, 'http://here/'), websocket, JSON.stringify(document));
  });

  test('a service that is only named is known by the path of its type, and other types are passed over', () => {
    const document = { subscription: ['http://here/EventSourceChannel2023/', { id: 'y', channelType: 'WebhookChannel2023' }, 'z', 7, null] };
    assert.deepEqual(services(document, 'http://here/'), [{ transport: 'eventsource', url: 'http://here/EventSourceChannel2023/', features: [] }]);
  });

  test('the gateway, by both of its names', () => {
    const ess = [{ transport: 'ess', url: 'http://gate/', features: [] }];
    assert.deepEqual(services({ notificationGateway: 'http://gate/' }, 'http://here/'), ess);
    assert.deepEqual(services({ 'http://inrupt.com/ns/ess#notificationGatewayEndpoint': { '@id': 'http://gate/' } }, 'http://here/'), ess);
  });

  test('nonsense says nothing', () => {
    const deep = JSON.parse('{"subscription":'.repeat(500) + '1' + '}'.repeat(500));
    const odd = JSON.parse('{"__proto__":{"id":"x"},"subscription":{"id":"http://[","__proto__":null,"channelType":"constructor"}}');
    for (const document of [null, 1, 'x', [], [[]], { id: 5 }, deep, odd]) assert.deepEqual(services(document, 'http://here/'), []);
    assert.equal({}.id, undefined);
  });
});

describe('messages', () => {
  const published = '2026-03-01T09:30:00.000Z';
  const told = { id: 'urn:1', type: 'Add', object: 'http://here/x/y', target: 'http://here/x/', state: '"1"', published: new Date(published) };
  const reads = (message, expected, id) => assert.deepEqual(read(JSON.stringify(message), id), { notification: { ...expected, raw: message } });

  test('of the protocol, compacted and expanded', () => {
    reads({ '@context': [], ...told, published, 'urn:podbell:terms#cursor': 'c' }, { ...told, cursor: 'c' });
    reads(
      [{ '@id': 'urn:1', '@type': [`${AS}Add`], [`${AS}object`]: [{ '@id': told.object }], [`${AS}target`]: [{ '@id': told.target }],
         [`${NOTIFY}state`]: [{ '@value': '"1"' }], [`${AS}published`]: [{ '@value': published, '@type': 'x' }] }],
      told,
    );
  });

  test('of ESS: two types, and the state in the object', () => {
    const message = { id: 'urn:2', type: ['http://www.w3.org/ns/prov#Activity', 'Update'], actor: ['http://me/'], object: { id: 'http://here/', state: 's', type: ['x'] }, published };
    reads(message, { id: 'urn:2', type: 'Update', object: 'http://here/', state: 's', published: new Date(published), actor: 'http://me/' });
    reads({ ...message, actor: [''], published: 'soon' }, { id: 'urn:2', type: 'Update', object: 'http://here/', state: 's' });
  });

  test('the place on an event stream is the cursor', () => {
    reads({ id: 'urn:3', type: 'Delete', object: 'http://here/' }, { id: 'urn:3', type: 'Delete', object: 'http://here/', cursor: '7' }, '7');
  });

  test('gaps and ends, and what is neither', () => {
    assert.deepEqual(read('{"type":"urn:podbell:terms#Gap","urn:podbell:terms#cursor":"c"}'), { gap: { reason: 'told', cursor: 'c' } });
    assert.deepEqual(read('{"type":"urn:podbell:terms#Removed","urn:podbell:terms#reason":"unauthorized"}'), { removed: 'unauthorized' });
    for (const other of ['', 'There was an error', '1', 'null', '[]', '{}', '[null]', '{"type":"Update"}', '{"type":7,"object":"x"}']) assert.equal(read(other), undefined);
  });
});

describe('coming back', () => {
  test('waits grow to the longest, and vary by half', () => {
    assert.deepEqual([0, 1, 2, 10, 5000].map((attempt) => delay(attempt, undefined, () => 0.5)), [500, 1000, 2000, 30_000, 30_000]);
    assert.deepEqual([0, 0.999999].map((random) => Math.round(delay(0, { first: 100, longest: 100 }, () => random))), [50, 150]);
  });

  test('a server that asks for a wait gets it', () => {
    const answer = (value) => ({ headers: new Headers(value && { 'Retry-After': value }) });
    const now = Date.parse('2026-03-01T09:30:00Z');
    assert.deepEqual(['5', 'Sun, 01 Mar 2026 09:31:00 GMT', 'Sun, 01 Mar 2026 09:29:00 GMT', 'x', '99999999', undefined].map((value) => retryAfter(answer(value), now)), [5000, 60_000, 0, 0, 3_600_000, 0]);
  });

  test('the browser says that the network is back, and that the page is seen', () => {
    const scope = Object.assign(new EventTarget(), { document: Object.assign(new EventTarget(), { visibilityState: 'hidden' }) });
    const said = [];
    const stop = watch({ back: () => said.push('back'), seen: () => said.push('seen') }, scope);
    const happens = (target, name) => target.dispatchEvent(new Event(name));
    happens(scope, 'online');
    happens(scope.document, 'visibilitychange');
    assert.deepEqual(said, []);
    happens(scope, 'offline');
    happens(scope, 'online');
    scope.document.visibilityState = 'visible';
    happens(scope.document, 'visibilitychange');
    stop();
    happens(scope, 'offline');
    happens(scope, 'online');
    assert.deepEqual(said, ['back', 'seen']);
  });

  test('what was told is known, as far as it may come again', () => {
    const seen = new Seen(2);
    const one = { id: '1', type: 'Add', object: 'a', target: 'c' };
    assert.deepEqual([one, one, { ...one, object: 'b' }, { ...one, id: '2' }, one].map((told) => seen.admit(told)), [true, false, true, true, true]);
    assert.deepEqual([seen.admit({ type: 'Update', object: 'a' }), seen.admit({ type: 'Update', object: 'a' })], [true, true]);
  });

  test('close codes tell refusals and ends from cuts', () => {
    const kinds = [4403, 1008, 1000, 1001, 1005, 1006, 1013, 4000].map((code) => closed(code, '').constructor);
    assert.deepEqual(kinds, [Ended, Ended, Over, Cut, Cut, Cut, Cut, Cut]);
  });

  test('a channel is prolonged a fifth of its life before its end', () => {
    const channel = new Channel({ id: 'http://here/1', receiveFrom: 'x', endAt: new Date(100_000).toISOString() }, fetch, 0);
    assert.deepEqual([channel.renewAt, channel.isOver(90_000), channel.isOver(96_000)], [80_000, false, true]);
    assert.equal(new Channel({ receiveFrom: 'x', endAt: new Date(100_000).toISOString() }, fetch, 0).renewAt, undefined);
  });
});

describe('loops', () => {
  const queue = (room) => {
    const lost = [];
    return Object.assign(new Queue({ room, lost: () => lost.push(1), left: () => lost.push('left') }), { gaps: lost });
  };
  const told = (object, type) => ({ object, type });

  test('what waits too long gives way to newer news of the same, or is a gap', async () => {
    const waiting = queue(2);
    for (const one of [told('a', 1), told('b', 1), told('b', 2)]) waiting.push(one);
    assert.deepEqual(waiting.gaps, []);
    waiting.push(told('c', 1));
    assert.deepEqual(waiting.gaps, [1]);
    waiting.end();
    const read = [];
    for await (const one of waiting) read.push(one);
    assert.deepEqual(read, [told('b', 2), told('c', 1)]);
  });

  test('who asks first is given first; whoever leaves asks no more', async () => {
    const waiting = queue(2);
    const asked = [waiting.next(), waiting.next(), waiting.next()];
    waiting.push(told('a'));
    waiting.push(told('b'));
    await waiting.return();
    assert.deepEqual((await Promise.all(asked)).map(({ value, done }) => value?.object ?? done), ['a', 'b', true]);
    assert.deepEqual(waiting.gaps, ['left']);
  });
});

describe('solid-0.1', () => {
  const talk = (...topics) => {
    const heard = [];
    const say = conversation(topics, { open: () => heard.push('open'), told: ({ object, raw }) => heard.push(`${object} | ${raw}`) });
    return { heard, say };
  };

  test('it is open when each was answered, and told under the name that was asked for', () => {
    const { heard, say } = talk('http://here/a', 'http://here/b');
    for (const line of ['protocol solid-0.1', 'warning x', 'ack http://here/a']) say(line);
    assert.deepEqual(heard, []);
    for (const line of ['err http://here/b forbidden', 'pub http://HERE/a', 'pong']) say(line);
    assert.deepEqual(heard, ['open', 'http://here/a | pub http://HERE/a']);
    assert.throws(() => say('removed http://here/a'), { reason: 'gone' });
  });

  test('refused altogether is refused', () => {
    assert.throws(() => talk('http://here/a').say('err http://here/a forbidden'), { reason: 'unauthorized' });
    assert.throws(() => talk('http://here/a').say('error too many'), Cut);
  });
});

describe('what is asked for', () => {
  test('features are asked for where they are offered, under their names', () => {
    const options = { recursive: true, activityTypes: ['Create', `${AS}Delete`], notCausedByMe: true, rate: 1.5, startAt: new Date(0), endAt: new Date(1000) };
    const all = ['startAt', 'endAt', 'rate', 'accept', 'state', 'recursive', 'notCausedByMe', 'activityType', 'cursor', 'constructor'];
    assert.deepEqual(features({ transport: 'websocket', features: all }, options), {
      startAt: '1970-01-01T00:00:00.000Z',
      endAt: '1970-01-01T00:00:01.000Z',
      rate: 'PT1.5S',
      'urn:podbell:terms#recursive': true,
      'urn:podbell:terms#notCausedByMe': true,
      [`${NOTIFY}activityType`]: [{ '@id': `${AS}Create` }, { '@id': `${AS}Delete` }],
      'urn:podbell:terms#cursor': true,
    });
    assert.deepEqual(features({ transport: 'streaming', features: ['accept'] }, options), { accept: 'application/ld+json' });
    assert.deepEqual(features({ transport: 'websocket', features: [] }, options), {});
  });

  test('a call that is wrong is told at once', () => {
    const notFunctions = ['fetch', 'WebSocket', 'onNotification', 'onGap', 'onState', 'onEnd'].map((name) => ['http://x/', { [name]: 5 }]);
    for (const [topics, options] of [...notFunctions, [[]], [undefined], [null], ['ftp://x/'], ['x'], ['http://x/', { transports: ['smoke'] }], ['http://x/', { endAt: new Date('x') }], ['http://x/', { rate: -1 }]]) {
      assert.throws(() => subscribe(topics, options), TypeError, String(topics));
    }
    assert.throws(() => subscribe('notes/'), { message: 'a topic is an http(s) URL, not notes/' });
  });

  test('why a server cannot be reached is told', async () => {
    const port = await freePorts();
    const problem = new Promise((resolve) => {
      const subscription = subscribe(`http://127.0.0.1:${port}/`, {
        onState: (state) => {
          if (state !== 'waiting') return;
          resolve(subscription.problem);
          subscription.close();
        },
      });
      subscription.ready.catch(() => {});
    });
    assert.match(await problem, /^127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/);
    await assert.rejects(discover(`http://127.0.0.1:${port}/`), /ECONNREFUSED/);
    await assert.rejects(discover('notes/'), TypeError);
  });
});
