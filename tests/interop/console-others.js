// What the tests of the console share in which another server knows the person: Community Solid Server, with carol's
// account there, Podbell, and a browser on its console that may ask both.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { launch } from './browser.js';
import { login, logout, put } from './clients.js';
import { visit } from './console.js';
import { button } from './console-page.js';
import { accountAtCss, loginAtCss, startCss } from './css.js';
import { freePorts, start } from './server.js';

/**
 * `{ css, server, carol, hers, alice, diary, visitor, page, restart(), end() }`: `carol` is the account, `hers` a session
 * of a program of hers, `diary` a private folder, which is chosen on `page`.
 */
export async function others() {
  const root = await mkdtemp(path.join(tmpdir(), 'podbell-console-css-'));
  const port = await freePorts();
  const ends = [() => Promise.all([root, `${root}.json`].map((name) => rm(name, { recursive: true, force: true })))];
  const keep = async (starting, end) => {
    const made = await starting;
    ends.unshift(() => end(made));
    return made;
  };
  const world = {
    async restart() {
      world.css = await startCss(root, port);
    },
    async end() {
      for (const end of ends.splice(0)) await end();
    },
  };
  try {
    let browser;
    [, world.server, browser] = await Promise.all([
      keep(world.restart(), () => world.css.stop()),
      keep(start(), (server) => server.stop()),
      keep(launch(), (browser) => browser.close()),
    ]);
    const { css, server } = world;
    world.carol = await accountAtCss(css, 'carol');
    world.hers = await keep(loginAtCss(css, world.carol.client), logout);
    world.alice = await keep(login(server, 'alice'), logout);
    world.diary = `${world.carol.pod}diary/`;
    await put(world.hers, `${world.diary}secret.ttl`);
    world.visitor = await visit(browser, server, { others: [css.base] });
    world.page = await world.visitor.open(`/notifications.html?topic=${encodeURIComponent(world.diary)}`);
    return world;
  } catch (error) {
    await world.end();
    throw error;
  }
}

/** Names a provider in the dialog, as a person would type it; its own page is there then. */
export async function goToProvider(page, named, origin) {
  await page.getByRole('banner').getByRole('button', { name: 'Sign in' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your identity provider').fill(named);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.origin === new URL(origin).origin);
}

/** Signs carol in through the pages of Community Solid Server, where nobody has logged in yet. */
export async function signInAtCss({ css, carol, page }, named = css.base) {
  await goToProvider(page, named, css.base);
  await page.getByLabel('Email').fill(carol.email);
  await page.getByLabel('Password').fill(carol.password);
  await button(page, 'Log in').click();
  await page.getByText('Podbell console').waitFor();
  await button(page, 'Authorize').click();
  await button(page, 'Sign out').waitFor();
}
