// Takes pictures of a page for docs/images: each view as it looks in the light and in the dark.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
const WIDE = { width: 1000, height: 700 };
const EDGE = 20;
const NARROW = { width: 360, height: 720 };

/** What a page is opened with to be pictured: whatever moves stands still. */
export const STILL = { viewport: WIDE, reducedMotion: 'reduce', locale: 'en-GB' };

/**
 * `name-light.png` and `name-dark.png` of what is shown now; `narrow`: as on a telephone; `at`: what stands at the top of
 * the window, the page's own top unless it is said; `of`: this and a little around it, instead of all of the window.
 */
export async function picture(page, name, { narrow = false, at = page.locator('body'), of } = {}) {
  await mkdir(folder, { recursive: true });
  await page.setViewportSize(narrow ? NARROW : WIDE);
  await at.evaluate((element) => scrollTo({ top: element.getBoundingClientRect().top + scrollY - 12, behavior: 'instant' }));
  // Nothing looks as if somebody pointed at it.
  await page.mouse.move(0, 0);
  const clip = of && around(await of.boundingBox());
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}${name}${narrow ? '-small' : ''}-${colorScheme}.png`, animations: 'disabled', caret: 'hide', clip });
  }
  await page.setViewportSize(WIDE);
}

const around = ({ x, y, width, height }) => ({ x: x - EDGE, y: y - EDGE, width: width + 2 * EDGE, height: height + 2 * EDGE });
