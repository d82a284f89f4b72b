// The server goes away without a word and comes back: the console's page comes back too, and misses nothing unsaid.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { put } from './clients.js';
import { signIn } from './console.js';
import { button, connect, entry, heard, said, shown } from './console-page.js';
import { alice, notes, open, server } from './console-stage.js';
import { until } from './server.js';

test('the server is killed and comes back: what was missed is there, nothing twice', async () => {
  for (const how of ['websocket', 'eventsource']) {
    const page = await open(notes, `&below&how=${how}`);
    if (how === 'websocket') await signIn(page, server);
    else await button(page, 'Sign out').waitFor();
    await connect(page);
    const names = Array.from({ length: 8 }, (_, i) => `${how}-${i}.ttl`);
    for (const name of names.slice(0, 3)) await put(alice, `${notes}cut/${name}`);
    await until(async () => (await heard(page)).some((line) => line.endsWith(names[2])), 'before the cut');
    await server.crash();
    for (const name of names.slice(3, 6)) await put(alice, `${notes}cut/${name}`);
    await entry(page, 'Connected again').waitFor();
    for (const name of names.slice(6)) await put(alice, `${notes}cut/${name}`);
    await until(async () => (await heard(page)).some((line) => line.endsWith(names[7])), 'after the cut');
    const mine = (await heard(page)).filter((line) => line.includes(`cut/${how}`));
    assert.deepEqual(mine, names.map((name) => `Created cut/${name}`), how);
    assert.ok(!(await shown(page)).some((line) => line.startsWith('Gap')), 'no gap');
    assert.equal(await entry(page, 'Connection lost').count(), 1);
    await said(page, 'Connected since');
    await page.close();
  }
});

test('where a way to listen cannot go on after a cut, the gap stands in its place', async () => {
  const page = await open(notes, '&how=solid-0.1');
  await signIn(page, server);
  await connect(page);
  await put(alice, `${notes}gap-1.ttl`);
  await until(async () => (await heard(page)).length > 0, 'before the cut');
  await server.crash();
  await entry(page, 'cannot tell what happened while nobody was connected').waitFor();
  await said(page, 'Connected since');
  const before = (await heard(page)).length;
  await put(alice, `${notes}gap-2.ttl`);
  await until(async () => (await heard(page)).length > before, 'after the cut');
  const kinds = (await shown(page)).map((line) => line.split(' ')[0]);
  assert.ok(kinds.indexOf('Gap') > 0 && kinds.lastIndexOf('Changed') > kinds.indexOf('Gap'), kinds.join(' '));
});
