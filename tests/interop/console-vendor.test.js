// What the console takes from others is what they publish: byte by byte, pinned by the lock file, with its licence.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const vendor = fileURLToPath(new URL('../../crates/server/console/vendor/', import.meta.url));
const published = fileURLToPath(new URL('node_modules/oauth4webapi/', import.meta.url));
const read = (file) => readFile(file, 'utf8');
const json = async (file) => JSON.parse(await read(file));

/** Of each file of the folder, the file of the package that it is. */
const FILES = { 'oauth4webapi.js': 'build/index.js', 'oauth4webapi.LICENSE.md': 'LICENSE.md' };

test('every file of others is the published one, and the licence goes with it', async () => {
  assert.deepEqual((await readdir(vendor)).sort(), [...Object.keys(FILES), 'README.md'].sort());
  for (const [file, of] of Object.entries(FILES)) {
    assert.equal(await read(vendor + file), await read(published + of), file);
  }
  assert.match(await read(`${vendor}oauth4webapi.LICENSE.md`), /MIT License/);
});

test('the package is pinned, by the version that the note names', async () => {
  const { version, license } = await json(`${published}package.json`);
  const [asked, locked] = await Promise.all(['package.json', 'package-lock.json'].map((file) => json(new URL(file, import.meta.url))));
  assert.equal(asked.dependencies.oauth4webapi, version);
  const { integrity, version: kept } = locked.packages['node_modules/oauth4webapi'];
  assert.equal(kept, version);
  assert.match(integrity, /^sha512-/);
  const note = await read(`${vendor}README.md`);
  assert.ok(note.includes(`| \`oauth4webapi.js\` | \`oauth4webapi\` ${version} | ${license} |`), note);
});
