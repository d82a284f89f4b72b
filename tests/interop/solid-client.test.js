// `@inrupt/solid-client`, unmodified, as two accounts: documents, files, containers, rules.
import * as solid from '@inrupt/solid-client';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { login, logout } from './clients.js';
import { start } from './server.js';

const DCTERMS = 'http://purl.org/dc/terms/';
const SIZE = 'http://www.w3.org/ns/posix/stat#size';
const MTIME = 'http://www.w3.org/ns/posix/stat#mtime';
const TYPE = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type';
const ALL = { read: true, append: true, write: true, control: true };
const NONE = { read: false, append: false, write: false, control: false };
const READ = { ...NONE, read: true };

let server, alice, bob, as, asBob;
before(async () => {
  server = await start();
  alice = await login(server, 'alice');
  bob = await login(server, 'bob');
  as = { fetch: alice.fetch };
  asBob = { fetch: bob.fetch };
});
after(async () => {
  await logout(alice, bob);
  await server?.stop();
});

const at = (path) => server.users.alice.root + path;
const refuses = (promise, status) => assert.rejects(promise, (error) => assert.equal(error.statusCode, status, error.message) ?? true);
const titled = (url, title) => solid.buildThing({ url }).addStringNoLocale(`${DCTERMS}title`, title).build();

/** A new document with `#it dcterms:title title`. */
const save = (url, title = 'first') =>
  solid.saveSolidDatasetAt(url, solid.setThing(solid.createSolidDataset(), titled(`${url}#it`, title)), as);
const titleOf = async (url, who = as) =>
  solid.getStringNoLocale(solid.getThing(await solid.getSolidDataset(url, who), `${url}#it`), `${DCTERMS}title`);

describe('documents', () => {
  test('a new dataset comes back with every kind of value', async () => {
    const url = at('values/doc');
    const thing = solid
      .buildThing({ url: `${url}#it` })
      .addUrl(TYPE, 'http://schema.org/Thing')
      .addStringNoLocale(`${DCTERMS}title`, 'plain "quoted"\nand a second line \\ ünï 🛎')
      .addStringWithLocale(`${DCTERMS}title`, 'deutsch', 'de')
      .addInteger('http://v/integer', -7)
      .addDecimal('http://v/decimal', 1.5)
      .addBoolean('http://v/boolean', true)
      .addDatetime('http://v/datetime', new Date(1_000_000_000_000))
      .build();
    await solid.saveSolidDatasetAt(url, solid.setThing(solid.createSolidDataset(), thing), as);
    const read = solid.getThing(await solid.getSolidDataset(url, as), `${url}#it`);
    assert.equal(solid.getUrl(read, TYPE), 'http://schema.org/Thing');
    assert.equal(solid.getStringNoLocale(read, `${DCTERMS}title`), 'plain "quoted"\nand a second line \\ ünï 🛎');
    assert.equal(solid.getStringWithLocale(read, `${DCTERMS}title`, 'de'), 'deutsch');
    assert.equal(solid.getInteger(read, 'http://v/integer'), -7);
    assert.equal(solid.getDecimal(read, 'http://v/decimal'), 1.5);
    assert.equal(solid.getBoolean(read, 'http://v/boolean'), true);
    assert.deepEqual(solid.getDatetime(read, 'http://v/datetime'), new Date(1_000_000_000_000));
  });

  test('a change of what was read is sent as a patch, and leaves what others wrote meanwhile', async () => {
    const url = at('patched');
    await save(url);
    const mine = await solid.getSolidDataset(url, as);
    const theirs = await solid.getSolidDataset(url, as);
    await solid.saveSolidDatasetAt(url, solid.setThing(theirs, titled(`${url}#other`, 'theirs')), as);
    const methods = [];
    const watched = { fetch: (input, init) => (methods.push(init?.method ?? 'GET'), alice.fetch(input, init)) };
    const changed = solid.setStringNoLocale(solid.getThing(mine, `${url}#it`), `${DCTERMS}title`, 'second');
    const saved = await solid.saveSolidDatasetAt(url, solid.setThing(mine, changed), watched);
    assert.deepEqual(methods, ['PATCH']);
    assert.equal(await titleOf(url), 'second');
    const whole = await solid.getSolidDataset(url, as);
    assert.equal(solid.getThingAll(whole).length, 2);
    // What saving gave can be changed and saved on.
    const again = solid.removeThing(saved, `${url}#it`);
    await solid.saveSolidDatasetAt(url, again, as);
    assert.deepEqual(solid.getThingAll(await solid.getSolidDataset(url, as)).map(solid.asUrl), [`${url}#other`]);
  });

  test('two changes of one value both stay, for the client patches by SPARQL Update', async () => {
    const url = at('stale');
    await save(url);
    const stale = await solid.getSolidDataset(url, as);
    const fresh = await solid.getSolidDataset(url, as);
    const change = (dataset, title) =>
      solid.setThing(dataset, solid.setStringNoLocale(solid.getThing(dataset, `${url}#it`), `${DCTERMS}title`, title));
    await solid.saveSolidDatasetAt(url, change(fresh, 'one'), as);
    await solid.saveSolidDatasetAt(url, change(stale, 'two'), as);
    const titles = solid.getStringNoLocaleAll(solid.getThing(await solid.getSolidDataset(url, as), `${url}#it`), `${DCTERMS}title`);
    assert.deepEqual(titles.sort(), ['one', 'two']);
  });

  test('a new dataset does not replace one that is there', async () => {
    const url = at('taken');
    await save(url, 'mine');
    await refuses(save(url, 'again'), 412);
    assert.equal(await titleOf(url), 'mine');
  });

  test('a dataset is deleted and then gone', async () => {
    const url = at('deleted');
    await save(url);
    await solid.deleteSolidDataset(url, as);
    await refuses(solid.getSolidDataset(url, as), 404);
    await refuses(solid.deleteSolidDataset(url, as), 404);
  });

  test('blank nodes of a document survive a patch of the rest', async () => {
    const url = at('blank');
    const body = '<#it> <http://v/address> [ <http://v/street> "Main" ] ; <http://purl.org/dc/terms/title> "old" .';
    await alice.fetch(url, { method: 'PUT', body, headers: { 'Content-Type': 'text/turtle' } });
    const dataset = await solid.getSolidDataset(url, as);
    const changed = solid.setStringNoLocale(solid.getThing(dataset, `${url}#it`), `${DCTERMS}title`, 'new');
    await solid.saveSolidDatasetAt(url, solid.setThing(dataset, changed), as);
    const text = await (await alice.fetch(url, { headers: { Accept: 'text/turtle' } })).text();
    assert.match(text, /"Main"/);
    assert.match(text, /"new"/);
    assert.doesNotMatch(text, /"old"/);
  });
});

describe('files', () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, n) => n % 251);

  test('a file is written, read with its type, overwritten and deleted', async () => {
    const url = at('files/picture.png');
    await solid.overwriteFile(url, new Blob([bytes], { type: 'image/png' }), { ...as, contentType: 'image/png' });
    const file = await solid.getFile(url, as);
    assert.deepEqual(new Uint8Array(await file.arrayBuffer()), bytes);
    assert.equal(solid.getContentType(file), 'image/png');
    assert.ok(solid.isRawData(file));
    await solid.overwriteFile(url, new Blob(['small']), { ...as, contentType: 'text/plain' });
    const again = await solid.getFile(url, as);
    assert.equal(await again.text(), 'small');
    assert.equal(solid.getContentType(again), 'text/plain');
    await solid.deleteFile(url, as);
    await refuses(solid.getFile(url, as), 404);
  });

  test('a file is put into a container under the name that it asks for, or another', async () => {
    const container = at('drop/');
    await solid.createContainerAt(container, as);
    const drop = () => solid.saveFileInContainer(container, new Blob(['x']), { ...as, slug: 'note.txt', contentType: 'text/plain' });
    const first = await drop();
    const second = await drop();
    assert.equal(solid.getSourceUrl(first), `${container}note.txt`);
    assert.notEqual(solid.getSourceUrl(second), solid.getSourceUrl(first));
    const listed = solid.getContainedResourceUrlAll(await solid.getSolidDataset(container, as));
    assert.deepEqual(listed.sort(), [solid.getSourceUrl(first), solid.getSourceUrl(second)].sort());
  });

  test('what is known of a file without reading it', async () => {
    const url = at('files/known.txt');
    await solid.overwriteFile(url, new Blob(['12345']), { ...as, contentType: 'text/plain' });
    const info = await solid.getResourceInfo(url, as);
    assert.equal(solid.getSourceUrl(info), url);
    assert.equal(solid.getContentType(info), 'text/plain');
    assert.equal(solid.isContainer(info), false);
    assert.deepEqual(solid.getEffectiveAccess(info).user, { read: true, append: true, write: true });
    assert.deepEqual(solid.getEffectiveAccess(info).public, { read: false, append: false, write: false });
    assert.equal(solid.getPodOwner(info), null);
  });
});

describe('containers', () => {
  test('a container is made, filled, listed with what is in it, and deleted when empty', async () => {
    const container = at('box/');
    assert.ok(solid.isContainer(await solid.createContainerAt(container, as)));
    await refuses(solid.createContainerAt(container, as), 412);
    const inner = await solid.createContainerInContainer(container, { ...as, slugSuggestion: 'inner' });
    assert.equal(solid.getSourceUrl(inner), `${container}inner/`);
    await solid.overwriteFile(`${container}a.txt`, new Blob(['12345']), { ...as, contentType: 'text/plain' });
    const saved = await solid.saveSolidDatasetInContainer(
      container,
      solid.setThing(solid.createSolidDataset(), titled('https://vocab.example/#it', 'inside')),
      { ...as, slugSuggestion: 'doc' },
    );
    assert.equal(solid.getSourceUrl(saved), `${container}doc`);

    const listing = await solid.getSolidDataset(container, as);
    assert.deepEqual(solid.getContainedResourceUrlAll(listing).sort(), [`${container}a.txt`, `${container}doc`, `${container}inner/`]);
    assert.ok(solid.validateContainedResourceAll(listing).isValid);
    const file = solid.getThing(listing, `${container}a.txt`);
    assert.equal(solid.getInteger(file, SIZE), 5);
    assert.ok(solid.getUrlAll(file, TYPE).includes('http://www.w3.org/ns/iana/media-types/text/plain#Resource'));
    const modified = solid.getDatetime(file, `${DCTERMS}modified`);
    assert.equal(solid.getInteger(file, MTIME), Math.floor(modified / 1000));
    const head = await alice.fetch(`${container}a.txt`, { method: 'HEAD' });
    assert.equal(Date.parse(head.headers.get('last-modified')), modified.getTime());
    assert.ok(solid.getUrlAll(solid.getThing(listing, `${container}inner/`), TYPE).includes('http://www.w3.org/ns/ldp#Container'));

    await refuses(solid.deleteContainer(container, as), 409);
    for (const url of solid.getContainedResourceUrlAll(listing)) {
      if (url.endsWith('/')) await solid.deleteContainer(url, as);
      else await solid.deleteFile(url, as);
    }
    assert.deepEqual(solid.getContainedResourceUrlAll(await solid.getSolidDataset(container, as)), []);
    await solid.deleteContainer(container, as);
    await refuses(solid.getSolidDataset(container, as), 404);
  });

  test('the pods of a WebID are found', async () => {
    const { webid, root } = server.users.alice;
    assert.deepEqual(await solid.getPodUrlAll(webid, as), [root]);
    assert.deepEqual(await solid.getPodUrlAll(webid), [root]);
    const { webIdProfile } = await solid.getProfileAll(webid, as);
    assert.ok(solid.getThing(webIdProfile, webid));
    const described = await solid.getWellKnownSolid(at('profile/card'), as);
    assert.ok(solid.getThingAll(described, { acceptBlankNodes: true }).length > 0);
  });
});

describe('rules', () => {
  test('an ACL of its own is made from the one above, shared with bob, and taken away', async () => {
    const url = at('rules/shared');
    await save(url);
    await refuses(solid.getSolidDataset(url, asBob), 403);
    await refuses(solid.getSolidDataset(url), 401);
    const before = await solid.getSolidDatasetWithAcl(url, as);
    assert.ok(!solid.hasResourceAcl(before) && solid.hasFallbackAcl(before) && solid.hasAccessibleAcl(before));
    let acl = solid.createAclFromFallbackAcl(before);
    assert.deepEqual(solid.getAgentResourceAccess(acl, server.users.alice.webid), ALL);
    acl = solid.setAgentResourceAccess(acl, server.users.bob.webid, READ);
    await solid.saveAclFor(before, acl, as);
    assert.equal(await titleOf(url, asBob), 'first');
    const info = await solid.getResourceInfo(url, asBob);
    assert.deepEqual(solid.getEffectiveAccess(info).user, { read: true, append: false, write: false });

    const shared = await solid.getSolidDatasetWithAcl(url, as);
    assert.ok(solid.hasResourceAcl(shared));
    assert.deepEqual(solid.getAgentAccess(shared, server.users.bob.webid), READ);
    acl = solid.setPublicResourceAccess(solid.getResourceAcl(shared), READ);
    acl = solid.setAgentResourceAccess(acl, server.users.bob.webid, { ...READ, append: true });
    await solid.saveAclFor(shared, acl, as);
    assert.equal(await titleOf(url, {}), 'first');
    assert.deepEqual(solid.getEffectiveAccess(await solid.getResourceInfo(url)).public, { read: true, append: false, write: false });
    const dataset = await solid.getSolidDataset(url, asBob);
    await solid.saveSolidDatasetAt(url, solid.setThing(dataset, titled(`${url}#bob`, 'added')), asBob);
    await refuses(solid.saveSolidDatasetAt(url, solid.removeThing(dataset, `${url}#it`), asBob), 403);

    await solid.deleteAclFor(await solid.getResourceInfoWithAcl(url, as), as);
    await refuses(solid.getSolidDataset(url, asBob), 403);
    await refuses(solid.getSolidDataset(url), 401);
  });

  test('the default of a container rules what is below it', async () => {
    const container = at('team/');
    await solid.createContainerAt(container, as);
    const info = await solid.getSolidDatasetWithAcl(container, as);
    let acl = solid.createAclFromFallbackAcl(info);
    acl = solid.setAgentResourceAccess(acl, server.users.bob.webid, READ);
    acl = solid.setAgentDefaultAccess(acl, server.users.bob.webid, { ...READ, append: true, write: true });
    await solid.saveAclFor(info, acl, as);
    await save(`${container}deep/doc`);
    assert.equal(await titleOf(`${container}deep/doc`, asBob), 'first');
    await solid.overwriteFile(`${container}deep/doc2`, new Blob(['b']), { ...asBob, contentType: 'text/plain' });
    await refuses(solid.overwriteFile(`${container}top`, new Blob(['b']), { ...asBob, contentType: 'text/plain' }), 403);
    assert.deepEqual(solid.getAgentDefaultAccess(solid.getResourceAcl(await solid.getSolidDatasetWithAcl(container, as)), server.users.bob.webid), {
      read: true,
      append: true,
      write: true,
      control: false,
    });
  });

  test('an empty ACL would shut everyone out but the owner of the pod', async () => {
    const url = at('rules/closed');
    await save(url);
    const info = await solid.getSolidDatasetWithAcl(url, as);
    const acl = solid.setAgentResourceAccess(solid.createAcl(info), server.users.bob.webid, READ);
    await solid.saveAclFor(info, acl, as);
    await refuses(solid.getSolidDataset(url, as), 403);
    assert.equal(await titleOf(url, asBob), 'first');
    // Control stays with the owner, who can undo it.
    await alice.fetch(`${url}.acl`, { method: 'DELETE' });
    assert.equal(await titleOf(url), 'first');
  });

  test('universal access sets and tells what each may do', async () => {
    const { setAgentAccess, setPublicAccess, getAgentAccess, getAgentAccessAll, getPublicAccess } = solid.universalAccess;
    const { webid } = server.users.bob;
    const modes = (access) => Object.entries(access).filter(([, allowed]) => allowed).map(([mode]) => mode).sort();
    for (const url of [at('universal/doc'), at('universal/box/')]) {
      if (url.endsWith('/')) await solid.createContainerAt(url, as);
      else await save(url);
      assert.deepEqual(modes(await setAgentAccess(url, webid, { read: true, append: true }, as)), ['append', 'read']);
      assert.deepEqual(modes(await getAgentAccess(url, webid, as)), ['append', 'read']);
      assert.deepEqual(modes(await getPublicAccess(url, as)), []);
      await solid.getSolidDataset(url, asBob);
      await refuses(solid.getSolidDataset(url), 401);
      assert.deepEqual(modes(await setPublicAccess(url, { read: true }, as)), ['read']);
      await solid.getSolidDataset(url);
      const all = await getAgentAccessAll(url, as);
      assert.deepEqual(modes(all[webid]), ['append', 'read']);
      assert.ok(modes(all[server.users.alice.webid]).includes('write'));
      await setAgentAccess(url, webid, { read: false, append: false }, as);
      await setPublicAccess(url, { read: false }, as);
      await refuses(solid.getSolidDataset(url, asBob), 403);
      await refuses(solid.getSolidDataset(url), 401);
    }
  });

  test('nobody changes the rules without Control', async () => {
    const url = at('rules/guarded');
    await save(url);
    const { setAgentAccess } = solid.universalAccess;
    const { webid } = server.users.bob;
    await setAgentAccess(url, webid, { read: true, write: true }, as);
    const changed = await setAgentAccess(url, webid, { controlRead: true, controlWrite: true }, asBob).catch((error) => error);
    assert.ok(changed === null || changed instanceof Error, JSON.stringify(changed));
    await refuses(solid.getSolidDataset(`${url}.acl`, asBob), 403);
  });
});

describe('refusals', () => {
  test('each has its status', async () => {
    const secret = at('refused/secret');
    await save(secret);
    await refuses(solid.getSolidDataset(secret, asBob), 403);
    await refuses(solid.getFile(secret), 401);
    await refuses(solid.deleteFile(secret, asBob), 403);
    await refuses(solid.overwriteFile(secret, new Blob(['x']), { ...asBob, contentType: 'text/plain' }), 403);
    await refuses(solid.createContainerAt(at('refused/by-bob/'), asBob), 403);
    await refuses(solid.saveFileInContainer(at('refused/'), new Blob(['x']), { ...asBob, contentType: 'text/plain' }), 403);
    await refuses(solid.getSolidDataset(at('absent'), as), 404);
    await refuses(solid.saveFileInContainer(at('absent/'), new Blob(['x']), { ...as, contentType: 'text/plain' }), 404);
    await refuses(solid.deleteContainer(server.users.alice.root, as), 405);
    const bad = alice.fetch(at('refused/bad'), { method: 'PUT', body: 'no turtle', headers: { 'Content-Type': 'text/turtle' } });
    assert.equal((await bad).status, 400);
    const told = await solid.getSolidDataset(secret, asBob).catch((error) => error);
    assert.match(told.message, /403/);
  });
});
