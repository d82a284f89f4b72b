// Makes the pictures of the console in docs/images, by hand: `node console-pictures.js`.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.js';
import { login, logout, put } from './clients.js';
import { signIn, visit } from './console.js';
import { button, connect, entry } from './console-page.js';
import { start } from './server.js';

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
await mkdir(folder, { recursive: true });
const [server, browser] = await Promise.all([start(), launch()]);
const alice = await login(server, 'alice');
try {
  for (const colorScheme of ['light', 'dark']) {
    const visitor = await visit(browser, server, { colorScheme, viewport: { width: 1200, height: 860 }, reducedMotion: 'reduce' });
    const topic = encodeURIComponent(server.users.alice.root);
    const page = await visitor.open(`/notifications.html?topic=${topic}&below`);
    await signIn(page, server);
    await connect(page);
    for (const name of ['notes/thoughts.ttl', 'pictures/2026/lake.ttl']) await put(alice, `${server.users.alice.root}${colorScheme}/${name}`);
    for (const [name, word] of [['Create', 'Created'], ['Change', 'Changed']]) {
      await button(page, name).click();
      await entry(page, `${word}podbell-test-`).first().waitFor();
    }
    await entry(page, 'lake.ttl').locator('summary').click();
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${folder}notifications-${colorScheme}.png` });
    await button(page, 'Delete').click();
    await button(page, 'Disconnect').click();
    await visitor.clean();
  }
} finally {
  await logout(alice);
  await browser.close();
  await server.stop();
}
