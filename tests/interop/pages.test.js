// The documentation holds together: what its pages link to is there, and the files that ARCHITECTURE names.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const OTHERS = ['target', 'node_modules', '.git', 'vendor', 'podbell-data'];

/** All files of the project, from its root on. */
async function filesIn(folder = '') {
  const found = await readdir(path.join(root, folder), { withFileTypes: true });
  const below = found.filter(({ name }) => !OTHERS.includes(name)).map((entry) => {
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? filesIn(name) : [name];
  });
  return (await Promise.all(below)).flat();
}

/** The name that a heading has in links, as forges make it. */
const anchor = (heading) => heading.toLowerCase().replace(/[^\w\s-]/g, '').trim().replace(/\s/g, '-');
const read = (file) => readFile(path.join(root, file), 'utf8');
const anchors = async (file) => [...(await read(file)).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading));

test('every link between pages leads somewhere', async () => {
  const pages = (await filesIn()).filter((file) => file.endsWith('.md'));
  assert.ok(pages.includes('README.md') && pages.includes('docs/guide/watch.md'));
  const broken = [];
  for (const page of pages) {
    const links = [...(await read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    for (const link of links.filter((link) => !/^[a-z]+:/.test(link))) {
      const [at, part] = link.split('#');
      const file = at ? path.join(path.dirname(page), at) : page;
      const isThere = existsSync(path.join(root, file)) && (!part || (await anchors(file)).includes(part));
      if (!isThere) broken.push(`${page}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every file and folder that ARCHITECTURE names is there', async () => {
  const files = await filesIn();
  // What begins with a slash is a path of a URL.
  const named = [...(await read('ARCHITECTURE.md')).matchAll(/`(\w[\w./-]*\.(?:rs|js|sql|md)|\w[\w./-]*\/)`/g)].map(([, name]) => name);
  assert.ok(named.length > 100, `${named.length} names`);
  const isThere = (name) => files.some((file) => (name.endsWith('/') ? `/${file}`.includes(`/${name}`) : `/${file}`.endsWith(`/${name}`)));
  assert.deepEqual(named.filter((name) => !isThere(name)), []);
});
