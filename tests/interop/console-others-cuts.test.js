// Another server goes away without a word and comes back: the console's page comes back too, and says what is not known.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { put } from './clients.js';
import { button, connect, entry, said, shown } from './console-page.js';
import { others, signInAtCss } from './console-others.js';

let world;
before(async () => {
  world = await others();
});
after(() => world?.end());

test('Community Solid Server is killed and comes back: the page does too, and says that something may be missing', async () => {
  const { css, hers, diary, page } = world;
  await signInAtCss(world);
  await connect(page);
  await put(hers, `${diary}before.ttl`);
  await entry(page, 'before.ttl').waitFor();
  await css.kill();
  await said(page, 'Waiting to come back');
  await world.restart();
  await entry(page, 'Connected again').waitFor({ timeout: 40_000 });
  await entry(page, 'cannot tell what happened while nobody was connected').waitFor();
  await put(hers, `${diary}later.ttl`);
  await entry(page, 'later.ttl').waitFor();
  const lines = (await shown(page)).map((line) => line.replace(/^(Gap|Connection lost|Connected again).*/, '$1'));
  assert.deepEqual(lines, ['Added later.ttl', 'Gap', 'Connected again', 'Connection lost', 'Added before.ttl']);
  // Who is signed in is still known there: keys and tokens outlive the server.
  await page.reload();
  await button(page, 'Sign out').waitFor();
  await world.visitor.clean();
});
