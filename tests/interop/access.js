// How the tests of the console look at a page: with other settings than their own, and without a mouse.
import assert from 'node:assert/strict';
import { axe } from './console.js';

/** Ways to look: in the light and the dark, wide and narrow, and with a person's own colours. */
const WAYS = [
  [1200, { colorScheme: 'light' }],
  [320, { colorScheme: 'dark' }],
  [320, { colorScheme: 'dark', forcedColors: 'active' }],
];

/** Looks in each way, whether there is anything grave and whether all of it fits. */
export async function looked(page, what) {
  for (const [width, colours] of WAYS) {
    await page.emulateMedia({ forcedColors: 'none', ...colours });
    await page.setViewportSize({ width, height: 800 });
    const which = `${what}, ${Object.values(colours).join(' ')}, ${width} px`;
    // Colours that people choose themselves are theirs, and axe does not see them.
    await axe(page, which, colours.forcedColors ? ['color-contrast'] : []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${which}: nothing is too wide`);
    const dialog = page.getByRole('dialog');
    if (await dialog.count()) assert.ok(await dialog.evaluate((one) => one.scrollWidth <= one.clientWidth), `${which}: the dialog`);
  }
  await page.emulateMedia({ forcedColors: 'none', colorScheme: 'light' });
  await page.setViewportSize({ width: 1200, height: 800 });
}

/** Opens a dialog by a button and the keyboard; `inside` is done there. Escape leads back to where one was. */
export async function throughDialog(page, opener, inside) {
  await opener.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  assert.ok(await dialog.evaluate((one) => one.contains(document.activeElement)), 'one is in it');
  await inside(dialog);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.ok(await opener.evaluate((one) => one === document.activeElement), 'one is back where one was');
}
