// The page on which notifications are heard, in every state that it has.
import { put, remove, request } from '../clients.js';
import { signIn, visit } from '../console.js';
import { button, connect, entry, said } from '../console-page.js';
import { browser, here, server } from '../owner.js';
import { STILL, picture } from './camera.js';

export async function notifications() {
  const { alice, root } = here;
  const topic = `${root}garden/`;
  for (const name of ['plan.ttl', 'beds/tomatoes.ttl', 'beds/beans.ttl', 'photos/2026/lake.ttl']) await put(alice, `${topic}${name}`);
  const visitor = await visit(browser, server, STILL);
  const open = (more = '') => visitor.open(`/notifications.html?topic=${encodeURIComponent(topic)}${more}`);

  const page = await open('&below');
  await picture(page, 'notifications-signed-out');
  await page.getByRole('banner').getByRole('button', { name: 'Sign in' }).click();
  await picture(page, 'sign-in', { of: page.getByRole('dialog') });
  await page.keyboard.press('Escape');
  await signIn(page, server);
  await button(page, 'Browse').click();
  await page.locator('.members button').first().waitFor();
  await picture(page, 'notifications-browsing');

  await connect(page);
  await put(alice, `${topic}photos/2026/island.ttl`);
  await put(alice, `${topic}beds/tomatoes.ttl`, '<#it> <http://purl.org/dc/terms/title> "ripe" .');
  await remove(alice, `${topic}beds/beans.ttl`);
  await entry(page, 'Deleted').waitFor();
  for (const [name, word] of [['Create', 'Created'], ['Change', 'Changed']]) {
    await button(page, name).click();
    await entry(page, `${word}podbell-test-`).waitFor();
  }
  await entry(page, 'island.ttl').locator('summary').click();
  await picture(page, 'notifications');
  await picture(page, 'notifications-start', { narrow: true });
  await picture(page, 'notifications', { narrow: true, at: page.locator('.live') });

  await entry(page, 'island.ttl').locator('summary').click();
  await server.crash(async () => {
    await said(page, 'Waiting to come back');
    await picture(page, 'notifications-waiting');
  });
  await here.logIn();
  await entry(page, 'Connected again').waitFor();
  await button(page, 'Delete').click();
  await entry(page, 'Deletedpodbell-test-').waitFor();
  await button(page, 'Disconnect').click();

  const legacy = await open('&how=solid-0.1');
  await button(legacy, 'Sign out').waitFor();
  await connect(legacy);
  await put(here.alice, `${topic}plan-2.ttl`);
  await entry(legacy, 'Changed').first().waitFor();
  await server.crash();
  await here.logIn();
  await entry(legacy, 'Gap').waitFor();
  await said(legacy, 'Connected since');
  await picture(legacy, 'notifications-gap');
  await button(legacy, 'Disconnect').click();

  const ended = await open('&below');
  await button(ended, 'Sign out').waitFor();
  await connect(ended);
  await put(here.alice, `${topic}plan.ttl`, '<#it> <http://purl.org/dc/terms/title> "peas too" .');
  await entry(ended, 'plan.ttl').waitFor();
  await ended.getByText('The channel', { exact: true }).click();
  await request(here.alice, 'DELETE', await ended.locator('.facts code').first().getAttribute('title'));
  await said(ended, 'the channel is gone');
  await picture(ended, 'notifications-ended');
  await visitor.clean();
}
