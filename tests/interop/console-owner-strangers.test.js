// The owner's view and others: receivers that fail, and what strangers have named, which is text and nothing else.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { put, request } from './clients.js';
import { axe } from './console.js';
import { alices, answers, giveUp, group, here, listed, prepare, press, receiver, row, rows, said, server, told, visits } from './owner.js';
import { subscribe } from './receivers/subscribing.js';
import { until } from './server.js';

prepare();
const MARKUP = '<img src=x onerror="window.hit=1">';

test('what was given up is shown, and delivered again', async () => {
  const c = await here.container();
  const already = receiver.arrived.length;
  await subscribe(here.bob, server, 'WebhookChannel2023', { topic: `${c}a`, sendTo: receiver.url('/dead') });
  await put(here.alice, `${c}a`);
  await receiver.arrives(already + 1);
  await until(async () => (await listed()).some((entry) => entry['urn:podbell:terms#lastFailureReason']), 'the failure is known');
  await giveUp();
  const page = await alices();
  await row(page, 'Webhook').getByRole('button', { name: '1 dead letter' }).click();
  const dialog = page.getByRole('dialog', { name: 'Webhook of bob' });
  await dialog.getByText(/10 attempts, owed .*given up .*: refused with 500/).waitFor();
  await dialog.getByRole('listitem').filter({ hasText: `Changed ${c.slice(here.root.length)}a` }).waitFor();
  await dialog.getByRole('button', { name: new RegExp(`^Deliver again ?: ${c.slice(here.root.length)}a$`) }).waitFor();
  await dialog.getByText('The last attempts').click();
  await dialog.getByRole('cell', { name: 'refused with 500' }).waitFor();
  await axe(page, 'dead letters');
  answers(204);
  const before = receiver.arrived.length;
  await dialog.getByRole('button', { name: /^Deliver again/ }).click();
  await dialog.getByText('1 message will be delivered again.').waitFor();
  await receiver.arrives(before + 1);
  await press(page, 'Close');
  await row(page, 'Webhook', 'Fine').waitFor();
});

test('what others named is text: no script of theirs runs, and nothing of theirs is a link', async () => {
  const named = `${here.root}${encodeURIComponent(MARKUP)}`;
  await put(here.alice, named);
  await here.allow(named, []);
  await request(here.alice, 'PUT', `${named}.acl`, `@prefix acl: <http://www.w3.org/ns/auth/acl#> .
<#owner> a acl:Authorization ; acl:accessTo <${named}> ; acl:mode acl:Read, acl:Write, acl:Control ; acl:agent <${server.users.alice.webid}> .
<#all> a acl:Authorization ; acl:accessTo <${named}> ; acl:mode acl:Read ; acl:agentClass <http://xmlns.com/foaf/0.1/Agent> .`, { 'Content-Type': 'text/turtle' });
  const webid = 'https://evil.example/%3Cimg%20src=x%20onerror=window.hit=1%3E#%3Cb%3E';
  await told({ sub: webid, client_id: 'javascript:window.hit=1' }, named);
  await told({ sub: webid, client_id: `${MARKUP}\u202etxt` }, named);
  const page = await alices();
  for (const by of ['Person', 'App', 'Resource']) {
    await page.getByRole('radio', { name: by }).check();
    await rows(page).nth(1).waitFor();
    const text = await page.locator('main').textContent();
    assert.ok(text.includes('<img src=x') && text.includes('javascript:window.hit=1'), text);
    assert.ok(!text.includes('\u202e'), 'nothing turns the direction of what stands around it');
    assert.equal(await page.locator('main :is(img, b > b, iframe, script, [href^="javascript:" i])').count(), 0);
  }
  await page.getByRole('region', { name: 'What changed lately' }).getByText('<img src=x').first().waitFor();
  await page.getByRole('radio', { name: 'Person' }).check();
  await group(page, 'evil.example').getByRole('button', { name: /^End all/ }).click();
  await page.getByRole('dialog').getByText('2 listeners').waitFor();
  await press(page, 'Cancel');
  assert.equal(await page.evaluate(() => window.hit), undefined);
  await group(page, 'evil.example').getByRole('button', { name: /look up name/ }).first().waitFor();
});

test('a profile elsewhere is asked for a name when somebody asks for it, and not before; without saying who asks', async () => {
  const asked = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.headers);
    const name = [{ '@id': `${at}/dave#me`, 'http://xmlns.com/foaf/0.1/name': [{ '@value': `Dave ${MARKUP}` }] }];
    response.writeHead(200, { 'Content-Type': 'application/ld+json', 'Access-Control-Allow-Origin': '*' }).end(JSON.stringify(name));
  });
  await new Promise((resolve) => elsewhere.listen(0, 'localhost', resolve));
  const at = `http://localhost:${elsewhere.address().port}`;
  try {
    const c = await here.container();
    await here.open(`${c}a`);
    await told({ sub: `${at}/dave#me`, client_id: 'https://app.example/id' }, `${c}a`);
    await visits([at]);
    asked.length = 0;
    const page = await alices();
    await rows(page).first().waitFor();
    assert.equal(asked.length, 0);
    await page.getByRole('button', { name: /look up name/ }).click();
    await group(page, `Dave ${MARKUP}`).waitFor();
    await said(page).filter({ hasText: `is called Dave ${MARKUP}` }).waitFor();
    assert.deepEqual(asked.map((one) => [one.authorization, one.cookie, one.referer]), [[undefined, undefined, undefined]]);
    assert.match(await group(page, 'Dave').textContent(), new RegExp(`${at}/dave#me`), 'the WebID stays beside the name');
    assert.equal(await page.evaluate(() => window.hit), undefined);
  } finally {
    elsewhere.close();
    elsewhere.closeAllConnections();
  }
});
