// `@ldo/connected-solid`, unmodified: a graph in memory that follows a private document of the pod.
import { createSolidLdoDataset } from '@ldo/connected-solid';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hears, people, put, remove, request } from './clients.js';
import { until } from './server.js';

// It comes back 5 s after every end, also after one that it was asked for: here sooner, and not to keep the process.
const [AGAIN, SOONER] = [5_000, 1_000];
const { setTimeout: later } = globalThis;
globalThis.setTimeout = (call, time, ...rest) => (time === AGAIN ? later(call, SOONER, ...rest).unref() : later(call, time, ...rest));

const TITLE = 'http://purl.org/dc/terms/title';
const titled = (title) => `<#it> <${TITLE}> "${title}" .`;

const { server, alice, bob } = await people();

/** A document, read and subscribed to: `titles()` is what the graph in memory holds of it. */
async function follow(session, topic) {
  const dataset = createSolidLdoDataset();
  dataset.setContext('solid', { fetch: session.fetch });
  const resource = dataset.getResource(topic);
  await resource.read();
  const heard = [];
  const errors = [];
  const id = await resource.subscribeToNotifications({
    onNotification: (message) => heard.push(message),
    onNotificationError: (error) => errors.push(error.type),
  });
  const open = () => resource.notificationSubscription.socket?.readyState === 1;
  const titles = () => [...dataset].filter(({ graph, predicate }) => graph.value === topic && predicate.value === TITLE).map(({ object }) => object.value);
  return { resource, heard, errors, open, titles, end: () => resource.unsubscribeFromNotifications(id) };
}

describe('@ldo/connected-solid', () => {
  test('CA-2 its graph follows a private document, and ends', async () => {
    const topic = `${server.users.alice.root}ldo/doc`;
    await put(alice, topic, titled('one'));
    await request(null, 'GET', topic, undefined, {}, /^401$/);
    const client = await follow(alice, topic);
    assert.deepEqual(client.titles(), ['one']);
    await until(client.open, 'it is connected');
    await put(alice, topic, titled('two'));
    await hears(client, 1);
    await until(() => client.titles().join() === 'two', 'it has read the document again');
    await remove(alice, topic);
    await hears(client, 2);
    await until(() => client.titles().length === 0, 'it has forgotten the document');
    assert.deepEqual(client.heard.map(({ type, object }) => [type, object]), [['Update', topic], ['Delete', topic]]);
    assert.deepEqual(client.errors, []);
    await client.end();
    assert.equal(client.resource.isSubscribedToNotifications(), false);
    await until(() => !client.open(), 'its socket is closed');
  });

  test('it comes back by itself when the server was away', async () => {
    const topic = `${server.users.alice.root}ldo/again`;
    await put(alice, topic, titled('one'));
    const client = await follow(alice, topic);
    await until(client.open, 'it is connected');
    const { socket } = client.resource.notificationSubscription;
    await server.crash();
    await until(() => client.errors.length === 1, 'it has noticed');
    await until(() => client.resource.notificationSubscription.socket !== socket && client.open(), 'it is connected again');
    await put(alice, topic, titled('two'));
    await hears(client, 1);
    await until(() => client.titles().join() === 'two', 'it has read the document again');
    assert.deepEqual(client.errors, ['disconnectedAttemptingReconnectError']);
    await client.end();
  });

  test('who may not read is told so, and gets no socket', async () => {
    const topic = `${server.users.alice.root}ldo/secret`;
    await put(alice, topic, titled('secret'));
    const client = await follow(bob, topic);
    assert.deepEqual(client.errors, ['unexpectedResourceError', 'disconnectedAttemptingReconnectError']);
    assert.deepEqual(client.titles(), []);
    assert.equal(client.resource.notificationSubscription.socket, undefined);
    await client.end();
  });
});
