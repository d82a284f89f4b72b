// The streams of Linked Web Storage: a socket and an event stream on a capability, each with the activities it has told.
import { WebSocket } from 'ws';
import { until } from '../server.js';
import { readEnvelope, short } from './envelope.js';
import { demand } from './terms.js';

const listener = (more) => ({ activities: [], frames: 0, errors: [], closed: false, ...more });

/** Takes what has arrived; what is wrong with it is kept for whoever waits. */
function take(client, text, storage) {
  try {
    client.frames += 1;
    client.activities.push(...readEnvelope(text, { storage }));
  } catch (error) {
    client.errors.push(error);
  }
}

/** Opens a socket, without a subprotocol. */
export async function openSocket(url, storage) {
  const socket = new WebSocket(url);
  const client = listener({ code: undefined, close: () => socket.close() });
  socket.on('message', (data, binary) => {
    if (binary) client.errors.push(new Error('a message is text'));
    take(client, data.toString(), storage);
  });
  socket.on('close', (code) => Object.assign(client, { closed: true, code }));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  demand(socket.protocol === '', 'no subprotocol is chosen', socket.protocol);
  return client;
}

/** Opens an event stream, after `lastEventId` if there is one; null if there is nothing to open. */
export async function openEvents(url, storage, lastEventId) {
  const ended = new AbortController();
  const headers = { Accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }) };
  const response = await fetch(url, { headers, signal: ended.signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    return { status: response.status, refused: true };
  }
  demand(/^text\/event-stream(;|$)/.test(response.headers.get('content-type')), 'it is an event stream');
  const client = listener({ status: 200, ids: [], lastEventId, close: () => ended.abort() });
  const pieces = response.body.pipeThrough(new TextDecoderStream());
  const read = async () => {
    let text = '';
    for await (const piece of pieces) {
      const blocks = (text + piece).split(/\r\n\r\n|\n\n|\r\r/);
      text = blocks.pop();
      blocks.forEach((block) => takeEvent(client, block, storage));
    }
  };
  void read()
    .catch(() => {})
    .then(() => (client.closed = true));
  return client;
}

/** One block of an event stream, as HTML says in "Interpreting an event stream". */
function takeEvent(client, block, storage) {
  const event = { type: 'message', data: [] };
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === 'data') event.data.push(value ?? '');
    if (name === 'id') event.id = value ?? '';
    if (name === 'event') event.type = value;
  }
  if (event.id !== undefined) client.lastEventId = event.id;
  // What a page hears by `onmessage`; other events are no notifications.
  if (event.data.length === 0 || event.type !== 'message') return;
  if (!event.id) client.errors.push(new Error('each event has an id'));
  client.ids.push(event.id);
  take(client, event.data.join('\n'), storage);
}

/** Waits until so many activities were told, and gives them, short; fails if one is wrong. */
export async function tells(client, count) {
  await until(
    () => client.activities.length >= count || client.errors.length,
    `${count} activities; told ${JSON.stringify(client.activities.map(short))}`,
  );
  if (client.errors.length) throw client.errors[0];
  return client.activities.map(short);
}
