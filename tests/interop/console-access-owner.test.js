// The owner's view for whoever uses it by keyboard, in a narrow window, in the dark, or with colours of their own: every view,
// and every dialog.
import { test } from 'node:test';
import { looked, throughDialog } from './access.js';
import { put } from './clients.js';
import { alices, giveUp, group, here, listed, prepare, receiver, row, server } from './owner.js';
import { subscribe } from './receivers/subscribing.js';
import { until } from './server.js';

prepare();

test('the owner’s view: nobody, everybody, what was given up, and the questions', async () => {
  const page = await alices();
  await page.getByText('Nobody listens.').waitFor();
  await looked(page, 'nobody');
  const c = await here.container();
  await subscribe(here.bob, server, 'WebhookChannel2023', { topic: c, recursive: true, sendTo: receiver.url('/access') });
  const already = receiver.arrived.length;
  await put(here.alice, `${c}a`);
  await receiver.arrives(already + 1);
  await until(async () => (await listed()).some((one) => one['urn:podbell:terms#lastFailureReason']), 'the failure is known');
  await giveUp();
  await row(page, 'Webhook', 'dead letter').waitFor({ timeout: 30_000 });
  for (const by of ['App', 'Resource', 'Person']) {
    await page.getByRole('radio', { name: by }).check();
    await row(page, 'Webhook').waitFor();
    await looked(page, `by ${by}`);
  }
  await throughDialog(page, row(page, 'Webhook').getByRole('button', { name: '1 dead letter' }), async (dialog) => {
    await dialog.getByText(/given up/).waitFor();
    await dialog.getByText('The last attempts').click();
    await dialog.getByRole('cell').first().waitFor();
    await looked(page, 'dead letters');
  });
  await throughDialog(page, row(page, 'Webhook').getByRole('button', { name: /^End/ }), () => looked(page, 'end one?'));
  await throughDialog(page, group(page, 'bob').getByRole('button', { name: /^End all/ }), () => looked(page, 'end all?'));
  await page.getByText('As a table').click();
  await page.getByLabel('Find').fill('nobody of that name');
  await page.getByText('None of the listeners is like that.').waitFor();
  await looked(page, 'nothing found, the table open');
});
