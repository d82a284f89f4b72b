// Applications in the field, which take Community Solid Server for granted: fixed paths, regular expressions, plain
// JSON. Each asks with the requests that it sends, and reads answers as it reads them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { describe, test } from 'node:test';
import { Parser, Store } from 'n3';
import rdf from 'rdflib';
import { hears, people, put, putAcl, request, short, socket, stream, WEBSOCKET_2023 } from './clients.js';
import { until } from './server.js';

const N1 = 'https://www.w3.org/ns/solid/notification/v1';
const N2 = 'https://www.w3.org/ns/solid/notifications-context/v1';
const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
const SOLID = 'http://www.w3.org/ns/solid/terms#';
const TYPES = ['WebSocket', 'EventSource', 'StreamingHTTP', 'Webhook', 'LDN', 'WebPush'].map((name) => `${name}Channel2023`);
const JSON_LD = { 'Content-Type': 'application/ld+json' };

const { server, alice, bob } = await people();
const fixed = `${server.base}.notifications/WebSocketChannel2023/`;

/** A new document that Alice and Bob may read. */
async function shared(name) {
  const topic = `${server.users.alice.root}applications/${name}`;
  await put(alice, topic);
  await putAcl(alice, topic, server.users.alice.webid, [server.users.bob.webid]);
  return topic;
}

const body = (topic, more = {}) => JSON.stringify({ '@context': [N1], type: WEBSOCKET_2023, topic, ...more });

/** Bob asks there, as applications do: `res.ok`, then `receiveFrom` of the plain JSON; no redirect is followed. */
async function subscribe(service, text, headers = JSON_LD) {
  const response = await bob.fetch(service, { method: 'POST', body: text, headers, redirect: 'error' });
  const answer = await response.text();
  assert.ok(response.ok, `${service}: ${response.status} ${answer}`);
  const channel = JSON.parse(answer);
  assert.equal(typeof channel.receiveFrom, 'string');
  return channel;
}

/** Connects, hears one change, ends. */
async function hearsOne(topic, receiveFrom) {
  const client = await socket(receiveFrom);
  await put(alice, topic);
  await hears(client, 1);
  assert.deepEqual(short(client), [`Update ${new URL(topic).pathname}`]);
  assert.equal(client.heard[0].object, topic);
  client.close();
  await until(() => client.closed, 'it is closed');
}

/** A request with these headers and no others: `fetch` would add `Accept`. */
async function bare(method, url, headers = {}, text = undefined) {
  const asked = http.request(url, { method, headers }).end(text);
  const [response] = await once(asked, 'response');
  let answer = '';
  for await (const piece of response.setEncoding('utf8')) answer += piece;
  return { status: response.statusCode, type: response.headers['content-type'], text: answer };
}

/** Where a topic is described: the `Link` header cut at every comma, as some do. */
async function described(topic) {
  const { headers } = await bob.fetch(topic, { method: 'HEAD' });
  const piece = headers.get('link').split(',').find((piece) => piece.includes(`rel="${SOLID}storageDescription"`));
  return piece.slice(piece.indexOf('<') + 1, piece.indexOf('>'));
}

describe('without discovery', () => {
  test('CA-16 CA-18 T-X01 the fixed path, a full type, and no Accept header', async () => {
    const topic = `${server.users.alice.root}profile/card`;
    const answer = await bare('POST', fixed, JSON_LD, body(topic));
    assert.deepEqual([answer.status, answer.type], [200, 'application/ld+json']);
    const { receiveFrom } = JSON.parse(answer.text);
    const client = await socket(receiveFrom);
    await request(alice, 'PATCH', topic, 'INSERT DATA { <#me> <http://xmlns.com/foaf/0.1/nick> "A" }', { 'Content-Type': 'application/sparql-update' });
    await hears(client, 1);
    assert.deepEqual(short(client), [`Update ${new URL(topic).pathname}`]);
    client.close();
  });

  test('CA-12 CA-16 T-X02 the fixed paths, with the last slash and without, below the origin and below the storage', async () => {
    for (const root of [server.base, server.users.alice.root]) {
      for (const end of ['', '/']) {
        const topic = await shared(`fixed-${root.length}-${end.length}`);
        const { receiveFrom } = await subscribe(`${root}.notifications/WebSocketChannel2023${end}`, body(topic));
        await hearsOne(topic, receiveFrom);
      }
    }
  });

  test('CA-8 T-X03 the type in the singular namespace, and the other context as a text', async () => {
    const topic = await shared('singular');
    const type = 'http://www.w3.org/ns/solid/notification#WebSocketChannel2023';
    const channel = await subscribe(fixed, JSON.stringify({ '@context': N2, type, topic }));
    assert.deepEqual([channel['@context'], channel.type], [N2, type]);
    await hearsOne(topic, channel.receiveFrom);
  });

  test('CA-21 T-X11 keys that nobody knows', async () => {
    const topic = await shared('unknown-keys');
    const { receiveFrom, ...rest } = await subscribe(fixed, body(topic, { features: ['notify:rate'], expiration: '2030-01-01T00:00:00Z' }));
    assert.ok(!('features' in rest) && !('expiration' in rest));
    await hearsOne(topic, receiveFrom);
  });

  test('CA-16 T-X08 the stream of a topic, by the encoded name of the topic', async () => {
    const topic = await shared('stream%20(1)');
    const places = [server.base, server.users.alice.root].map((root) => `${root}.notifications/StreamingHTTPChannel2023/${encodeURIComponent(topic)}`);
    for (const place of places.flatMap((place) => [place, `${place}/`])) {
      const client = await stream(bob, place);
      assert.equal(client.response.status, 200, place);
      await hears(client, 1);
      await put(alice, topic);
      await hears(client, 2);
      for (const piece of client.heard) assert.ok(piece.includes('as:Update') && piece.includes(new URL(topic).href), piece);
      client.close();
      await until(() => client.closed, 'it is closed');
    }
  });

  test('T-X13 a topic that is neither there nor public', async () => {
    const answer = await bare('POST', fixed, JSON_LD, body(`${server.users.alice.root}applications/absent`));
    assert.equal(answer.status, 401);
  });
});

describe('by regular expressions', () => {
  test('CA-19 T-X07 the Link header, cut at every comma, leads to the description', async () => {
    for (const name of ['plain', 'with,%20a%20comma']) {
      const topic = await shared(name);
      const description = await described(topic);
      assert.equal(new URL(description).href, description);
      assert.equal((await fetch(description, { redirect: 'error' })).status, 200);
      // A comma of the name is in the targets that name it: any other spelling is another resource.
      const { headers } = await bob.fetch(topic, { method: 'HEAD' });
      const pieces = headers.get('link').split(name.includes(',') ? /,(?= *<)/ : ',');
      for (const piece of pieces) assert.match(piece, /^\s*<https?:\/\/[^<>]+>; rel="[^"]+"$/);
    }
  });

  test('CA-18 T-X04 the description is Turtle for who asks for nothing, or for anything', async () => {
    const description = await described(await shared('turtle'));
    for (const headers of [{}, { Accept: '*/*' }]) {
      const answer = await bare('GET', description, headers);
      assert.deepEqual([answer.status, answer.type], [200, 'text/turtle']);
      assert.match(answer.text, /^@prefix notify: </m);
    }
  });

  test('CA-17 T-X05 the first IRI with the name of the type is the service', async () => {
    const topic = await shared('first');
    const { text } = await bare('GET', await described(topic));
    for (const type of TYPES) {
      assert.equal(new RegExp(`<([^>]*${type}[^>]*)>`).exec(text)[1], `${server.base}.notifications/${type}/`);
    }
    const { receiveFrom } = await subscribe(/<([^>]*WebSocketChannel2023[^>]*)>/.exec(text)[1], body(topic));
    await hearsOne(topic, receiveFrom);
  });

  test('CA-17 T-X06 each service has a statement of its own', async () => {
    const topic = await shared('own');
    const { text } = await bare('GET', await described(topic));
    const services = [...text.matchAll(/notify:subscription\s+<([^>]+)>/g)].map(([, iri]) => iri);
    assert.deepEqual(services, TYPES.map((type) => `${server.base}.notifications/${type}/`));
    const { receiveFrom } = await subscribe(services.find((iri) => iri.includes('WebSocketChannel2023')), body(topic));
    await hearsOne(topic, receiveFrom);
  });
});

describe('by a graph', () => {
  test('CA-17 a parser without a base reads the description', async () => {
    const topic = await shared('no-base');
    const { text } = await bare('GET', await described(topic));
    const store = new Store(new Parser().parse(text));
    const [service] = store.getSubjects(`${NOTIFY}channelType`, WEBSOCKET_2023, null);
    const { receiveFrom } = await subscribe(service.value, body(topic));
    await hearsOne(topic, receiveFrom);
  });

  test('T-X10 SPARQL over the description finds one service of a storage', async () => {
    const topic = await shared('sparql');
    const description = await described(topic);
    const store = rdf.graph();
    rdf.parse((await bare('GET', description)).text, store, description, 'text/turtle');
    const query = rdf.SPARQLToQuery(
      `PREFIX notify: <${NOTIFY}> PREFIX pim: <http://www.w3.org/ns/pim/space#>
       SELECT ?s ?c WHERE { ?s a pim:Storage . ?s notify:subscription ?c . ?c notify:channelType notify:WebSocketChannel2023 . }`,
      false,
      store,
    );
    const rows = store.querySync(query);
    assert.deepEqual(rows.map((row) => [row['?s'].value, row['?c'].value]), [[server.users.alice.root, fixed]]);
    const { receiveFrom } = await subscribe(rows[0]['?c'].value, body(topic));
    await hearsOne(topic, receiveFrom);
  });

  test('CA-16 T-X12 the expanded description is gone through as an array; what is none leads to the fixed path', async () => {
    const topic = await shared('expanded');
    const description = await described(topic);
    /** As written for an array: whatever goes wrong, the fixed path. */
    const find = async (accept) => {
      const nodes = await (await fetch(description, { headers: { Accept: accept } })).json();
      try {
        for (const node of nodes) {
          if (node[`${NOTIFY}channelType`]?.some((type) => type['@id'] === WEBSOCKET_2023)) return [node['@id'], 'found'];
        }
      } catch {
        // An object cannot be gone through.
      }
      return [`${new URL(topic).origin}/.notifications/WebSocketChannel2023/`, 'assumed'];
    };
    assert.deepEqual(await find('application/ld+json;profile="http://www.w3.org/ns/json-ld#expanded"'), [fixed, 'found']);
    const [service, how] = await find('application/ld+json');
    assert.equal(how, 'assumed');
    const { receiveFrom } = await subscribe(service, body(topic));
    await hearsOne(topic, receiveFrom);
  });
});
