// What tests of the console's page of notifications begin with: whoever imports this has it for all of a file, and a new
// visitor for each test, whose pages must be clean at its end.
import { after, afterEach, before, beforeEach } from 'node:test';
import { launch } from './browser.js';
import { login, logout, put } from './clients.js';
import { visit } from './console.js';
import { start } from './server.js';

export let server, browser, alice, visitor;
/** A folder of alice's, with a document in it. */
export let notes;

before(async () => {
  [server, browser] = await Promise.all([start(), launch()]);
  alice = await login(server, 'alice');
  notes = `${server.users.alice.root}notes/`;
  await put(alice, `${notes}first.ttl`);
});
after(async () => {
  if (alice) await logout(alice);
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  visitor = await visit(browser, server);
});
afterEach(() => visitor?.clean());

/** The page on a topic; `more` of its address tells how to listen. */
export const open = (topic, more = '') => visitor.open(`/notifications.html?topic=${encodeURIComponent(topic)}${more}`);
