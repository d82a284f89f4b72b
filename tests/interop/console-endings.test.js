// Who may not listen to what, or may not any more, is told why on the console's page, and what to do.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { put, putAcl, request } from './clients.js';
import { axe, signIn } from './console.js';
import { button, connect, entry, heard, said } from './console-page.js';
import { alice, notes, open, server, visitor } from './console-stage.js';
import { until } from './server.js';

describe('it ends', () => {
  const topic = () => `${server.users.alice.root}shared/with-bob.ttl`;
  const bobs = async () => {
    await put(alice, topic());
    await putAcl(alice, topic(), server.users.alice.webid, [server.users.bob.webid]);
    const page = await open(topic());
    await signIn(page, server, 'bob');
    await connect(page);
    return page;
  };

  test('for bob when Read is withdrawn; what is written then he is not shown, and why he is told', async () => {
    const page = await bobs();
    await putAcl(alice, topic(), server.users.alice.webid, []);
    await said(page, 'you may no longer read this');
    await put(alice, topic(), '<#it> <http://purl.org/dc/terms/title> "secret" .');
    assert.deepEqual(await heard(page), []);
    // Once more, from nothing.
    await button(page, 'Connect').click();
    await said(page, `Ask its owner to give Read to ${server.users.bob.webid}`);
    await axe(page, 'refused');
  });

  test('for bob when the owner ends the channel', async () => {
    const page = await bobs();
    await page.getByText('The channel', { exact: true }).click();
    const channel = await page.locator('.facts code').first().getAttribute('title');
    await request(alice, 'DELETE', channel);
    await said(page, 'the channel is gone');
  });

  test('for whoever signs out, and the channel with it', async () => {
    const page = await bobs();
    await page.getByText('The channel', { exact: true }).click();
    const channel = await page.locator('.facts code').first().getAttribute('title');
    await button(page, 'Sign out').click();
    await said(page, 'You signed out');
    await until(async () => [404, 410].includes((await alice.fetch(channel)).status), 'the channel is gone');
  });
});

test('without signing in one hears what is public, and is told what to do where it is not', async () => {
  const topic = `${server.users.alice.root}profile/card`;
  const page = await open(topic);
  await connect(page);
  const before = (await request(alice, 'GET', topic, undefined, { Accept: 'text/turtle' })).body_text;
  await put(alice, topic, `${before}\n<#me> <http://xmlns.com/foaf/0.1/nick> "Al" .`);
  await entry(page, 'Changed').waitFor();
  assert.deepEqual(await heard(page), ['Changed card']);
  await page.locator('.try').filter({ hasText: 'Sign in as somebody who may write' }).waitFor();
  assert.ok(await button(page, 'Create').isDisabled());
  await button(page, 'Disconnect').click();

  await page.getByLabel('Folder or document').fill(notes);
  await button(page, 'Connect').click();
  await said(page, 'Only people who signed in may read this.');
  await axe(page, 'sign in first');
  await page.locator('.status').getByRole('button', { name: /Sign in/ }).click();
  await page.getByRole('dialog').filter({ hasText: 'somebody who may read it' }).waitFor();
});

test('addresses that lead nowhere are told in words', async () => {
  const page = await visitor.open('/notifications.html');
  for (const [typed, words] of [
    ['', 'An address is needed'],
    ['javascript:alert(1)', 'Only addresses of the web'],
    ['https://alice:secret@pod.example/', 'name or password'],
  ]) {
    await page.getByLabel('Folder or document').fill(typed);
    await button(page, 'Connect').click();
    await page.locator('.choose').getByRole('alert').filter({ hasText: words }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'topic');
  }
  // A page that is no pod's.
  await page.getByLabel('Folder or document').fill(`${server.issuer}notifications.html`);
  await button(page, 'Connect').click();
  await said(page, 'does not offer this');
  await said(page, 'Podbell, Community Solid Server 7 and ESS tell of changes.');
});
