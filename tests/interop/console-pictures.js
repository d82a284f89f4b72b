// Makes the pictures of the console in docs/images, by hand: `node console-pictures.js`.
import { put, request } from './clients.js';
import { begin, end, here, server, visitor } from './owner.js';
import { notifications } from './pictures/notifications.js';
import { owner } from './pictures/owner.js';

const NAMES = { alice: 'Alice Winter', bob: 'Bob Okafor', eve: 'Evangelina Papadopoulou-Featherstonehaugh' };

/** People have names in their profiles. */
async function name() {
  for (const [who, name] of Object.entries(NAMES)) {
    const profile = server.users[who].webid.replace(/#.*/, '');
    const { body_text } = await request(here[who], 'GET', profile, undefined, { Accept: 'text/turtle' });
    await put(here[who], profile, `${body_text}\n<#me> <http://xmlns.com/foaf/0.1/name> "${name}" .`);
  }
}

try {
  await begin();
  await name();
  const parts = { notifications, owner };
  for (const part of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)) await parts[part]();
} finally {
  await visitor?.context.close();
  await end();
}
