// A listener as it is shown, from an entry of the list of channels. Whatever is not as expected is left out, not shown
// wrongly.

const TERMS = 'urn:podbell:terms#';
const NOTIFY = 'http://www.w3.org/ns/solid/notifications#';
const PUBLIC = 'http://xmlns.com/foaf/0.1/Agent';

/** Channel types in words, by their last name. */
const WAYS = new Map(Object.entries({
  WebSocketChannel2023: 'WebSocket',
  EventSourceChannel2023: 'Event stream',
  StreamingHTTPChannel2023: 'Streaming HTTP',
  WebhookChannel2023: 'Webhook',
  LDNChannel2023: 'Inbox',
  WebPushChannel2023: 'Web Push',
}));
const PUSHING = new Set(['WebhookChannel2023', 'LDNChannel2023', 'WebPushChannel2023']);

/** The same, by the protocol it was asked for with, where that says more. */
const PROTOCOLS = new Map(Object.entries({
  ess: () => 'WebSocket of ESS',
  'solid-0.1': () => 'WebSocket of solid-0.1',
  lws: (way) => `${way === 'Another way' ? 'Subscription' : way} of Linked Web Storage`,
}));

/** `{ id, person, app, topics, recursive, types, since, until, way, … }`; no person is somebody who did not log in. */
export function listenerFrom(entry, storage) {
  const of = (name) => entry[`${TERMS}${name}`] ?? entry[`${NOTIFY}${name}`] ?? entry[name];
  const type = texts(entry.type).map((name) => name.replace(/^.*[#/]/, '')).find((name) => WAYS.has(name));
  const way = WAYS.get(type) ?? 'Another way';
  const protocol = text(of('protocol'));
  const person = text(of('subscriber'));
  return {
    id: String(entry.id),
    storage,
    person: person === PUBLIC ? undefined : person,
    app: text(of('client')) || undefined,
    topics: texts(of('topic')),
    recursive: flag(of('recursive')),
    types: texts(of('activityType')).map((name) => name.replace(/^.*[#/]/, '')),
    since: date(of('created')),
    until: date(of('endAt')),
    way: PROTOCOLS.get(protocol)?.(way) ?? way,
    isLive: flag(of('live')),
    connections: number(of('connections')),
    lastDelivered: date(of('lastDelivered')) ?? date(of('lastSuccess')),
    pushes: PUSHING.has(type) ? healthOf(of) : undefined,
  };
}

/** Without figures, of a channel that has topics elsewhere too: then this is for others to see. */
function healthOf(of) {
  return {
    isKnown: of('pending') !== undefined,
    pending: number(of('pending')) ?? 0,
    deadLetters: number(of('deadLetters')) ?? 0,
    missed: number(of('missed')) ?? 0,
    failingSince: date(of('failingSince')),
    failedWith: text(of('lastFailureReason')),
    nextAttempt: date(of('nextAttempt')),
    disabled: date(of('disabled')),
    disabledReason: text(of('disabledReason')),
  };
}

/** Whether somebody should look: it is switched off, failing, or something was given up. */
export const ails = ({ pushes }) => Boolean(pushes && (pushes.disabled || pushes.failingSince || pushes.deadLetters));

/** A value of JSON-LD, however it is written, as a text. */
function text(value) {
  const one = Array.isArray(value) ? value[0] : value;
  if (one === undefined || one === null) return undefined;
  return typeof one === 'object' ? text(one.id ?? one['@id'] ?? one['@value'] ?? one.value) : String(one);
}

const texts = (value) => (Array.isArray(value) ? value : [value]).map(text).filter((one) => one !== undefined);
const flag = (value) => text(value) === 'true';

function number(value) {
  const read = Number(text(value));
  return Number.isFinite(read) ? read : undefined;
}

function date(value) {
  const read = new Date(text(value));
  return Number.isNaN(read.getTime()) ? undefined : read;
}
