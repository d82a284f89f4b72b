// The owner's view, with everything in it that may stand there.
import { channel, inrupt, put, remove } from '../clients.js';
import {
  giveUp, group, here, keep, legacy, listed, live, press, receiver, row, rows, server, told, visitor, visits,
} from '../owner.js';
import { signIn } from '../console.js';
import { subscribe } from '../receivers/subscribing.js';
import { until } from '../server.js';
import { STILL, picture } from './camera.js';

export async function owner() {
  await visits([], STILL);
  const empty = await visitor.open('/');
  await empty.getByRole('heading', { name: /doorbell/ }).waitFor();
  await picture(empty, 'owner-signed-out');
  await signIn(empty, server, 'eve');
  await empty.getByText('Nobody listens.').waitFor();
  await picture(empty, 'owner-nobody');

  const { shared, open } = await listeners();
  const page = await visitor.open('/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, server);
  await group(page, 'Bob').waitFor();
  await row(page, 'Failing').first().waitFor();
  for (const name of ['plan.ttl', 'beds/beans.ttl']) await put(here.alice, `${shared}${name}`);
  await remove(here.alice, `${shared}beds/beans.ttl`);
  await put(here.alice, open);
  await page.locator('.plot .deliveries').first().waitFor();
  await page.getByRole('region', { name: 'What changed lately' }).getByText('Deleted').first().waitFor();
  await picture(page, 'owner-by-person');
  await picture(page, 'owner-by-person', { narrow: true });
  for (const by of ['App', 'Resource']) {
    await page.getByRole('radio', { name: by }).check();
    await rows(page).first().waitFor();
    await picture(page, `owner-by-${by.toLowerCase()}`);
  }
  await page.getByRole('radio', { name: 'Person' }).check();
  await picture(page, 'owner-lately', { narrow: true, at: page.locator('.chart') });

  await row(page, 'dead letter').getByRole('button', { name: /dead letter/ }).click();
  const letters = page.getByRole('dialog');
  await letters.getByText(/given up/).first().waitFor();
  await letters.getByText('The last attempts').click();
  await letters.getByRole('cell').first().waitFor();
  await picture(page, 'owner-dead-letters', { of: letters });
  await picture(page, 'owner-dead-letters', { narrow: true });
  await press(page, 'Close');
  await group(page, 'Bob').getByRole('button', { name: /^End all/ }).click();
  await page.getByRole('dialog').getByText('withdraw Read').waitFor();
  await picture(page, 'owner-end-all', { of: page.getByRole('dialog') });
  await press(page, 'Cancel');
  await visitor.clean();
}

/** Has somebody come by every door, and a receiver that fails. */
async function listeners() {
  const { alice, bob, root } = here;
  const [shared, open] = [`${root}shared/`, `${root}public/news.ttl`];
  const note = `${shared}notes.ttl`;
  await put(alice, note);
  await here.allow(shared, [server.users.bob.webid, server.users.eve.webid]);
  await put(alice, open);
  await here.open(open);
  // What a receiver refuses for days is given up.
  await subscribe(bob, server, 'WebhookChannel2023', { topic: shared, sendTo: receiver.url('/dead'), recursive: true });
  const already = receiver.arrived.length;
  await put(alice, `${shared}minutes/2026-11-20.ttl`);
  await receiver.arrives(already + 1);
  await until(async () => (await listed()).some((entry) => entry['urn:podbell:terms#lastFailureReason']), 'the failure is known');
  await giveUp();
  keep(await channel(here.bob, note));
  keep(await inrupt(here.bob, note));
  keep(await legacy(here.bob, note));
  keep(await here.socket(here.bob, shared));
  keep(await live(here.eve, note));
  keep(await channel({ fetch }, open));
  await told({ client_id: 'https://calendar.example/id', sub: server.users.bob.webid }, shared);
  await subscribe(here.alice, server, 'EventSourceChannel2023', { topic: root, recursive: true, activityType: ['Create', 'Delete'] });
  await subscribe(here.eve, server, 'WebhookChannel2023', { topic: note, sendTo: receiver.url('/fails') });
  await put(here.alice, note);
  await until(async () => (await listed()).filter((entry) => entry['urn:podbell:terms#failingSince']).length > 1, 'both fail');
  return { shared, open };
}
