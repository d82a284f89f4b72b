// What is told, in words.

/** What each type is called, and its mark, which tells it without colour. */
const TYPES = {
  Create: ['+', 'Created'],
  Update: ['~', 'Changed'],
  Delete: ['−', 'Deleted'],
  Add: ['→', 'Added'],
  Remove: ['←', 'Removed'],
};

/** `[mark, word, kind]` of a type; `kind` is how it looks, of those that are known. */
export const said = (type) => (Object.hasOwn(TYPES, type) ? [...TYPES[type], type.toLowerCase()] : ['•', plain(type || 'Something').slice(0, 60), '']);

/** How each way to listen is called. */
export const TRANSPORTS = {
  auto: 'Automatic',
  websocket: 'WebSocket',
  eventsource: 'Event stream (EventSource)',
  streaming: 'Streaming HTTP',
  ess: 'ESS gateway (WebSocket)',
  'solid-0.1': 'solid-0.1 (older apps)',
};

/** The ways that tell of one resource alone. */
export const ALONE = new Set(['ess', 'solid-0.1']);

/** As much of an address is shown. */
const LONGEST = 400;

/** Text without what is invisible, or turns the direction of what stands around it. */
export const plain = (text) => String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}');

/** An address as one reads it: escapes undone, but for what could play tricks with the line it stands in. */
export function readable(url) {
  const short = url.length > LONGEST ? `${url.slice(0, LONGEST)}…` : url;
  try {
    return decodeURI(short).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, encodeURIComponent);
  } catch {
    return plain(short);
  }
}

/** A resource as it is seen from a topic. */
export function relative(object, topic) {
  const plain = readable(object);
  if (object === topic) return readable(new URL(topic).pathname.split('/').filter(Boolean).at(-1) ?? new URL(topic).host) + (topic.endsWith('/') ? '/' : '');
  if (topic.endsWith('/') && object.startsWith(topic)) return readable(object.slice(topic.length));
  const [a, b] = [object, topic].map((url) => (URL.canParse(url) ? new URL(url).origin : url));
  return a === b ? plain.slice(a.length) : plain;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
export const timeOf = (date) => clock.format(date);
export const dateOf = (date) => whole.format(date);

/** A count of seconds. */
export function lasting(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/**
 * Why it ended, what to do now, and whether signing in might help: `{ title, advice, signIn }`.
 * `was`: whether it was connected before; `webid`: who listened; `asked`: to what, and how.
 */
export function ending({ reason, message, code }, { was, webid, asked }) {
  const { host } = new URL(asked.topic);
  if (reason === 'unauthorized') {
    if (was) {
      return {
        title: 'Ended: you may no longer read this.',
        advice: 'Its owner took Read away, or what you signed in with has ended. Ask the owner, then connect again.',
        signIn: !webid,
      };
    }
    return webid && code !== 401
      ? { title: 'You may not read this.', advice: `Ask its owner to give Read to ${webid}.` }
      : { title: 'Only people who signed in may read this.', advice: 'Sign in as somebody who may.', signIn: true };
  }
  switch (reason) {
    case 'closed':
      return { title: 'Disconnected.', advice: message };
    case 'gone':
      return {
        title: 'Ended: the channel is gone.',
        advice: 'The owner of the storage, or you elsewhere, ended it. Connect again if you may.',
      };
    case 'expired':
      return { title: 'Ended: the channel’s time is over.', advice: 'Connect again to go on.' };
    case 'unsupported':
      return {
        title: `${host} does not offer this.`,
        advice: [
          message,
          asked.how !== 'auto' && 'Try “Automatic”.',
          asked.recursive && 'Try “Only this resource”.',
          'Podbell, Community Solid Server 7 and ESS tell of changes.',
        ].filter(Boolean).join(' '),
      };
    default:
      return { title: `${host} did not let you listen.`, advice: message };
  }
}
