// The console's page of notifications as a person reads it.
export const button = (page, name) => page.getByRole('button', { name, exact: true });

/** Waits until the state says so. */
export const said = (page, words) => page.locator('.status').filter({ hasText: words }).waitFor();

export async function connect(page) {
  await button(page, 'Connect').click();
  await said(page, 'Connected since');
}

/** The entries with these words. */
export const entry = (page, words) => page.locator('.entries > li').filter({ hasText: words });

/** All entries as they are read, the newest first: `Created a.ttl`. */
export const shown = (page) =>
  page.locator('.entries > li').evaluateAll((items) =>
    items.map((item) => ['.word', '.object'].map((at) => item.querySelector(at)?.textContent ?? '').join(' ').trim()));

/** What was heard, the oldest first. */
export const heard = async (page) =>
  (await shown(page)).filter((line) => /^(Created|Changed|Deleted|Added|Removed|Something) /.test(line)).reverse();
