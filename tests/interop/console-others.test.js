// The console where another server knows the person: an account of Community Solid Server signs in, listens to her pod
// there and to what she may read here. One sign-in goes through all of these tests, in their order.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { put, putAcl, request } from './clients.js';
import { button, connect, entry, heard, said } from './console-page.js';
import { goToProvider, others, signInAtCss } from './console-others.js';
import { until } from './server.js';

let world, css, server, carol, hers, alice, diary, visitor, page;
before(async () => {
  world = await others();
  ({ css, server, carol, hers, alice, diary, visitor, page } = world);
});
after(() => world?.end());

test('whoever did not sign in is told so by the other server too', async () => {
  await button(page, 'Browse').click();
  await page.getByText('Only people who signed in may look in here.').waitFor();
  await button(page, 'Connect').click();
  await said(page, 'Only people who signed in may read this.');
});

test('a person signs in at her own provider, whose name she types without its ends, and stays signed in over a reload', async () => {
  await signInAtCss(world, css.base.slice('http://'.length, -1));
  for (const turn of ['signed in', 'after a reload', 'after another']) {
    assert.equal(await page.locator('.who').getAttribute('title'), carol.webid, turn);
    assert.equal(await page.getByLabel('Folder or document').inputValue(), diary, turn);
    // Each reload asks the provider for a new token, and keeps the refresh token that comes with it.
    await page.reload();
    await button(page, 'Sign out').waitFor();
  }
});

test('she looks into what is private in her pod there', async () => {
  await button(page, 'Browse').click();
  await page.locator('.members').getByRole('button', { name: 'secret.ttl' }).waitFor();
  await button(page, 'Browse').click();
});

test('what that server cannot do is said, and what to do instead', async () => {
  await page.getByLabel('Everything below').check();
  await button(page, 'Connect').click();
  await said(page, `${new URL(css.base).host} does not offer this.`);
  await said(page, 'Try “Only this resource”.');
  assert.doesNotMatch(await page.locator('.status').textContent(), /fallback/, 'programs have words of their own');
  await page.getByLabel('Only this resource').check();
  await page.getByLabel('How to listen').selectOption('ess');
  await button(page, 'Connect').click();
  await said(page, 'Try “Automatic”.');
  await page.getByLabel('How to listen').selectOption('auto');
});

test('she hears what happens there, and rings it by the buttons', async () => {
  await connect(page);
  await said(page, 'by WebSocket');
  await put(hers, `${diary}outside.ttl`);
  await entry(page, 'outside.ttl').first().waitFor();
  assert.equal((await heard(page))[0], 'Added outside.ttl');
  await entry(page, 'outside.ttl').last().locator('summary').click();
  const message = JSON.parse(await entry(page, 'outside.ttl').last().locator('pre').textContent());
  assert.deepEqual([message.type, message.object, message.target], ['Add', `${diary}outside.ttl`, diary]);
  for (const [name, method] of [['Create', 'PUT'], ['Change', 'PATCH'], ['Delete', 'DELETE']]) {
    const count = await page.locator('.answers > li').count();
    await button(page, name).click();
    await until(async () => (await page.locator('.answers > li').count()) > count, `${name} is answered`);
    const answer = page.locator('.answers > li').first();
    assert.match(await answer.textContent(), new RegExp(`^${method} podbell-test-.*\\.ttl 2\\d\\d`));
  }
  await entry(page, /Removed.*podbell-test-/).first().waitFor();
  assert.ok((await heard(page)).some((line) => line.startsWith('Added podbell-test-')));
  const { body_text: left } = await request(hers, 'GET', diary, undefined, { Accept: 'text/turtle' });
  assert.doesNotMatch(left, /podbell-test-/);
  await button(page, 'Disconnect').click();
  await said(page, 'Disconnected.');
});

test('she hears what changes in one document there', async () => {
  await page.getByLabel('Folder or document').fill(`${diary}secret.ttl`);
  await connect(page);
  await put(hers, `${diary}secret.ttl`, '<#it> <http://purl.org/dc/terms/title> "y" .');
  await entry(page, 'Changed').waitFor();
  assert.deepEqual(await heard(page), ['Changed secret.ttl']);
  await button(page, 'Disconnect').click();
  await said(page, 'Disconnected.');
});

test('she listens here to what a person of this server lets her read, and to nothing else', async () => {
  const shared = `${server.users.alice.root}shared.ttl`;
  await put(alice, shared);
  await page.getByLabel('Folder or document').fill(shared);
  await button(page, 'Connect').click();
  await said(page, 'You may not read this.');
  await said(page, carol.webid);
  await putAcl(alice, shared, server.users.alice.webid, [carol.webid]);
  await connect(page);
  await put(alice, shared, '<#it> <http://purl.org/dc/terms/title> "for carol" .');
  await entry(page, 'Changed').waitFor();
  assert.deepEqual(await heard(page), ['Changed shared.ttl']);
  await page.getByText('You may not write in this folder.').waitFor();
  await button(page, 'Disconnect').click();
});

test('the owner’s view tells her kindly that she owns nothing here', async () => {
  await page.goto(server.issuer);
  await page.getByRole('heading', { name: `You own no storage on ${new URL(server.base).host}` }).waitFor();
  await page.getByText('If your pod is on another server, its listeners are known there').waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
});

test('she signs out, and who does not allow it at the provider is not signed in', async () => {
  await button(page, 'Sign out').click();
  await goToProvider(page, css.base, css.base);
  await button(page, 'Cancel').click();
  await page.getByRole('alert').filter({ hasText: 'it was not allowed' }).waitFor();
  await visitor.clean();
});
