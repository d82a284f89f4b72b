// `rdflib`, unmodified: a store that edits documents by patches, in SPARQL Update and in N3.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import rdf from 'rdflib';
import { people, putAcl, request } from './clients.js';

const V = rdf.Namespace('http://vocab.example/#');
const LDP = rdf.Namespace('http://www.w3.org/ns/ldp#');
const BOTH = ['SPARQL', 'N3PATCH'];
/** Milliseconds for one request; its timer keeps the process alive. */
const PATIENCE = 8_000;

const { server, alice, bob } = await people();

const at = (path) => server.users.alice.root + path;

/** A store with its fetcher and updater; `N3PATCH` sees a server that takes nothing else. */
function editor(session, language = 'SPARQL') {
  const store = rdf.graph();
  const sent = [];
  const fetch = async (input, init = {}) => {
    if (init.method === 'PATCH') sent.push({ type: new Headers(init.headers).get('content-type'), body: init.body });
    const response = await session.fetch(input, init);
    if (language === 'SPARQL') return response;
    const headers = new Headers(response.headers);
    if (headers.has('accept-patch')) headers.set('accept-patch', 'text/n3');
    const empty = [204, 304].includes(response.status);
    const seen = new Response(empty ? null : await response.arrayBuffer(), { status: response.status, statusText: response.statusText, headers });
    Object.defineProperty(seen, 'url', { value: response.url });
    return seen;
  };
  const fetcher = new rdf.Fetcher(store, { fetch, timeout: PATIENCE });
  const updater = new rdf.UpdateManager(store);
  return { store, fetcher, updater, sent };
}

/** What the store holds of a document, with blank nodes by what is said of them, so that two stores compare. */
function graph(store, doc) {
  const statements = store.statementsMatching(null, null, null, doc);
  const name = (term, seen = []) => {
    if (term.termType !== 'BlankNode') return term.toNT();
    if (seen.includes(term.value)) return '[…]';
    const said = statements.filter((st) => st.subject.equals(term));
    return `[${said.map((st) => `${st.predicate.toNT()} ${name(st.object, [...seen, term.value])}`).sort().join('; ')}]`;
  };
  return statements.map((st) => `${name(st.subject)} ${st.predicate.toNT()} ${name(st.object)}`).sort();
}

/** What somebody who loads the document anew has in the store. */
async function stored(url) {
  const { store, fetcher } = editor(alice);
  await fetcher.load(url);
  return graph(store, rdf.sym(url));
}

/** The local store is what the server holds, and the document was patched in that language. */
async function agree({ store, sent }, doc, language) {
  assert.deepEqual(graph(store, doc), await stored(doc.value));
  const type = language === 'SPARQL' ? 'application/sparql-update' : 'text/n3';
  assert.deepEqual([...new Set(sent.map((patch) => patch.type))], [type]);
}

async function document(path, body) {
  const url = at(path);
  await request(alice, 'PUT', url, body, { 'Content-Type': 'text/turtle' });
  return rdf.sym(url);
}

const statuses = (promise, status) => assert.rejects(promise, (error) => assert.match(error.message, new RegExp(`status=${status}|error: ${status}|${status} `)) ?? true);

for (const language of BOTH) {
  describe(`UpdateManager by ${language}`, () => {
    const path = (name) => `rdflib/${language}/${name}`;
    const PERSON = `@prefix v: <http://vocab.example/#> .
      <#me> v:name "Alice" ; v:address [ v:street "Main" ; v:city "Vienna" ], [ v:street "Side" ; v:city "Graz" ] ; v:age 42 .`;

    test('knows how a document is edited', async () => {
      const doc = await document(path('editable'), PERSON);
      const { fetcher, updater } = editor(alice, language);
      assert.equal(updater.editable(doc), undefined);
      await fetcher.load(doc);
      assert.equal(updater.editable(doc), language);
      assert.equal(await editor(alice, language).updater.checkEditable(doc), language);
    });

    test('inserts, replaces and deletes plain statements', async () => {
      const doc = await document(path('plain'), PERSON);
      const me = rdf.sym(`${doc.value}#me`);
      const alices = editor(alice, language);
      const { store, fetcher, updater } = alices;
      await fetcher.load(doc);
      const text = 'a "quoted" text\nwith lines, \\ and ünï 🛎 { ( ?x';
      await updater.update([], [rdf.st(me, V('note'), rdf.lit(text), doc), rdf.st(me, V('note'), rdf.lit('deutsch', 'de'), doc)]);
      await agree(alices, doc, language);
      const age = store.statementsMatching(me, V('age'), null, doc);
      await updater.update(age, [rdf.st(me, V('age'), rdf.lit(43), doc)]);
      await agree(alices, doc, language);
      await updater.update(store.statementsMatching(me, V('note'), null, doc).slice(), []);
      await agree(alices, doc, language);
      assert.equal(store.anyValue(me, V('age'), null, doc), '43');
      assert.equal(store.any(me, V('note'), null, doc), null);
    });

    test('inserts new blank nodes', async () => {
      const doc = await document(path('new-blank'), PERSON);
      const me = rdf.sym(`${doc.value}#me`);
      const alices = editor(alice, language);
      await alices.fetcher.load(doc);
      const [address, country] = [rdf.blankNode(), rdf.blankNode()];
      await alices.updater.update([], [
        rdf.st(me, V('address'), address, doc),
        rdf.st(address, V('street'), rdf.lit('Third'), doc),
        rdf.st(address, V('country'), country, doc),
        rdf.st(country, V('code'), rdf.lit('AT'), doc),
      ]);
      await agree(alices, doc, language);
      assert.equal(alices.store.each(me, V('address'), null, doc).length, 3);
    });

    test('changes one of two blank nodes, adds to it, and deletes it', async () => {
      const doc = await document(path('blank'), PERSON);
      const me = rdf.sym(`${doc.value}#me`);
      const alices = editor(alice, language);
      const { store, fetcher, updater } = alices;
      await fetcher.load(doc);
      const main = store.any(null, V('street'), rdf.lit('Main'), doc);
      assert.equal(main.termType, 'BlankNode');
      await updater.update(store.statementsMatching(main, V('city'), null, doc).slice(), [rdf.st(main, V('city'), rdf.lit('Linz'), doc)]);
      await agree(alices, doc, language);
      const geo = rdf.blankNode();
      await updater.update([], [rdf.st(main, V('geo'), geo, doc), rdf.st(geo, V('lat'), rdf.lit('48.3'), doc)]);
      await agree(alices, doc, language);
      await updater.update([...store.connectedStatements(main, doc)].filter((st) => !st.subject.equals(me) || st.object.equals(main)), []);
      await agree(alices, doc, language);
      assert.deepEqual(store.statementsMatching(null, V('city'), null, doc).map((st) => st.object.value), ['Graz']);
    });

    test('makes a document that is not there', async () => {
      const doc = rdf.sym(at(path('new/doc')));
      const alices = editor(alice, language);
      await alices.updater.update([], [rdf.st(doc, V('name'), rdf.lit('made by a patch'), doc)]);
      await agree(alices, doc, language);
    });

    test('edits several documents at once', async () => {
      const docs = [await document(path('many/1'), PERSON), await document(path('many/2'), PERSON)];
      const alices = editor(alice, language);
      for (const doc of docs) await alices.fetcher.load(doc);
      const gone = docs.flatMap((doc) => alices.store.statementsMatching(null, V('name'), null, doc));
      const come = docs.map((doc) => rdf.st(rdf.sym(`${doc.value}#me`), V('name'), rdf.lit('Eve'), doc));
      await alices.updater.updateMany(gone, come);
      for (const doc of docs) await agree(alices, doc, language);
    });

    test('two editors of one document see what the other wrote when they reload', async () => {
      const doc = await document(path('two'), PERSON);
      const me = rdf.sym(`${doc.value}#me`);
      const editors = [editor(alice, language), editor(alice, language)];
      for (const { fetcher } of editors) await fetcher.load(doc);
      await Promise.all(
        editors.flatMap(({ updater }, who) =>
          [1, 2, 3, 4, 5].map((n) => {
            const node = rdf.blankNode();
            return updater.update([], [rdf.st(me, V('knows'), node, doc), rdf.st(node, V('name'), rdf.lit(`${who}-${n}`), doc)]);
          }),
        ),
      );
      for (const each of editors) {
        await new Promise((resolve, reject) => each.updater.reload(each.store, doc, (ok, message) => (ok ? resolve() : reject(new Error(message)))));
        await agree(each, doc, language);
        assert.equal(each.store.each(me, V('knows'), null, doc).length, 10);
      }
      // Each goes on with what the other made.
      const [first, second] = editors;
      const theirs = first.store.any(null, V('name'), rdf.lit('1-3'), doc);
      await first.updater.update(first.store.statementsMatching(theirs, V('name'), null, doc).slice(), [rdf.st(theirs, V('name'), rdf.lit('renamed'), doc)]);
      await agree(first, doc, language);
      await second.fetcher.load(doc, { force: true });
    });

    test('a refused edit leaves the local store and the document as they were', async () => {
      const doc = await document(path('refused'), PERSON);
      await putAcl(alice, doc.value, server.users.alice.webid, [server.users.bob.webid], 'acl:Read, acl:Append');
      const bobs = editor(bob, language);
      await bobs.fetcher.load(doc);
      const before = graph(bobs.store, doc);
      await statuses(bobs.updater.update(bobs.store.statementsMatching(null, V('name'), null, doc).slice(), []), 403);
      assert.deepEqual(graph(bobs.store, doc), before);
      assert.deepEqual(await stored(doc.value), before);
      await bobs.updater.update([], [rdf.st(doc, V('seen'), rdf.lit('by bob'), doc)]);
      assert.deepEqual(graph(bobs.store, doc), await stored(doc.value));
      await putAcl(alice, doc.value, server.users.alice.webid, [server.users.bob.webid], 'acl:Read');
      const reader = editor(bob, language);
      await reader.fetcher.load(doc);
      assert.equal(reader.updater.editable(doc), false);
    });
  });
}

describe('what differs between the two languages', () => {
  const edit = (who, doc, value) =>
    who.updater.update(who.store.statementsMatching(doc, V('name'), null, doc).slice(), [rdf.st(doc, V('name'), rdf.lit(value), doc)]);

  test('an edit of what is gone conflicts in N3, and only adds in SPARQL', async () => {
    for (const [language, names] of [['N3PATCH', ['one']], ['SPARQL', ['one', 'two']]]) {
      const doc = await document(`rdflib/gone-${language}`, '<> <http://vocab.example/#name> "zero" .');
      const [first, second] = [editor(alice, language), editor(alice, language)];
      for (const { fetcher } of [first, second]) await fetcher.load(doc);
      await edit(first, doc, 'one');
      if (language === 'N3PATCH') await statuses(edit(second, doc, 'two'), 409);
      else await edit(second, doc, 'two');
      const { store, fetcher } = editor(alice);
      await fetcher.load(doc);
      assert.deepEqual(store.each(doc, V('name'), null, doc).map((name) => name.value).sort(), names);
    }
  });
});

describe('Fetcher and the rest', () => {
  test('puts a document, makes containers, lists them, deletes', async () => {
    const { store, fetcher, updater } = editor(alice);
    const box = at('rdflib-box/');
    await fetcher.createContainer(server.users.alice.root, 'rdflib-box');
    await fetcher.createContainer(box, 'inner');
    const doc = rdf.sym(`${box}doc`);
    store.add(doc, V('name'), rdf.lit('put'), doc);
    await fetcher.putBack(doc);
    const other = rdf.sym(`${box}other`);
    await new Promise((resolve, reject) =>
      updater.put(other, [rdf.st(other, V('name'), rdf.lit('put too'), other)], 'text/turtle', (uri, ok, message) => (ok ? resolve() : reject(new Error(message)))),
    );
    await fetcher.webOperation('PUT', `${box}plain.txt`, { data: 'plain', contentType: 'text/plain' });
    await fetcher.webCopy(`${box}plain.txt`, `${box}copy.txt`, 'text/plain');
    await fetcher.load(box);
    const members = store.each(rdf.sym(box), LDP('contains'), null, rdf.sym(box)).map((member) => member.value);
    assert.deepEqual(members.sort(), ['copy.txt', 'doc', 'inner/', 'other', 'plain.txt'].map((name) => box + name));
    assert.ok(store.holds(rdf.sym(`${box}inner/`), rdf.Namespace('http://www.w3.org/1999/02/22-rdf-syntax-ns#')('type'), LDP('Container')));
    for (const member of members) await fetcher.webOperation('DELETE', member);
    await fetcher.webOperation('DELETE', box);
    await assert.rejects(editor(alice).fetcher.load(box), (error) => error.status === 404 || /404/.test(error.message));
  });

  test('a person without rights gets the status', async () => {
    const doc = await document('rdflib/private', '<> <http://vocab.example/#name> "mine" .');
    await assert.rejects(editor(bob).fetcher.load(doc), (error) => error.status === 403 || /403/.test(error.message));
    const anybody = { fetch: (...args) => fetch(...args) };
    await assert.rejects(editor(anybody).fetcher.load(doc), (error) => error.status === 401 || /401/.test(error.message));
  });

  test('describes a container by a patch, and not what the server keeps of it', async () => {
    const box = rdf.sym(at('rdflib-described/'));
    await request(alice, 'PUT', box.value, '', { 'Content-Type': 'text/turtle' });
    const alices = editor(alice);
    await alices.fetcher.load(box);
    await alices.updater.update([], [rdf.st(box, V('name'), rdf.lit('A box'), box)]);
    const again = editor(alice);
    await again.fetcher.load(box);
    assert.equal(again.store.anyValue(box, V('name'), null, box), 'A box');
    await statuses(again.updater.update([], [rdf.st(box, LDP('contains'), rdf.sym(`${box.value}x`), box)]), 409);
  });
});
