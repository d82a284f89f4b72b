// How things are said: times, addresses, applications. Others chose these texts, so whatever could mislead the eye is
// left as it was encoded.
import { element } from '../element.js';

const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const minute = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });

/** `5 minutes ago`, `in 2 days`. */
export function ago(date, now = Date.now()) {
  const seconds = Math.round((date.getTime() - now) / 1000);
  if (Math.abs(seconds) < 5) return 'just now';
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return relative.format(Math.trunc(seconds / size), unit);
}

/** A time, how long ago it is, and exactly on demand. It can be told anew with `tick`. */
export const when = (date) =>
  element('time', { dateTime: date.toISOString(), title: exact.format(date), className: 'ago' }, ago(date));

/** The same by the clock. */
export const at = (date) => element('time', { dateTime: date.toISOString(), title: exact.format(date) }, clock.format(date));

/** `18:04`. */
export const minuteOf = (date) => minute.format(date);

/** Tells all times anew that say how long ago they are. */
export function tick(root) {
  for (const time of root.querySelectorAll('time.ago')) {
    const said = ago(new Date(time.dateTime));
    if (time.textContent !== said) time.textContent = said;
  }
}

/** `Today`, `Yesterday`, `Friday 20 November`. */
export function dayOf(date, now = new Date()) {
  const midnight = (of) => new Date(of.getFullYear(), of.getMonth(), of.getDate()).getTime();
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  return days === 0 ? 'Today' : days === 1 ? 'Yesterday' : day.format(date);
}

/** Text without what is invisible, or turns the direction of what stands around it. */
export const plain = (text) => String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}');

/** A path as people write it: decoded, but for what would make it look like another. */
function decoded(path) {
  try {
    const read = path.replace(/(?:%(?!2[35F]|3F)[0-9a-f]{2})+/gi, decodeURIComponent);
    return /[\p{C}\p{Zl}\p{Zp}]|\s{2}|^\s|\s$/u.test(read) ? plain(path) : read;
  } catch {
    return plain(path);
  }
}

/** A resource, from the root of its storage. */
export function pathIn(storage, resource) {
  if (resource === storage) return 'the whole storage';
  return decoded(resource.startsWith(storage) ? resource.slice(storage.length) : resource);
}

/** What is listened to: `notes/one`, `notes/ and everything below`. The root itself is its list of members. */
export function topicOf(listener, topic) {
  if (topic === listener.storage) return listener.recursive ? 'everything in the storage' : 'the root of the storage';
  const name = pathIn(listener.storage, topic);
  return listener.recursive && topic.endsWith('/') ? `${name} and everything below` : name;
}

const HAPPENED = new Map(Object.entries({
  Create: 'Created', Update: 'Changed', Delete: 'Deleted', Add: 'Added', Remove: 'Removed',
}));

/** What an activity of that type did. */
export const happened = (type) => HAPPENED.get(type) ?? plain(type);

/** An application, by the host of its id; ids that a provider made up are no names. */
export function appName(id) {
  if (!id) return 'Unknown app';
  if (/^https?:\/\//i.test(id)) {
    try {
      return new URL(id).host;
    } catch {
      // No address after all.
    }
  }
  const shown = plain(id);
  return shown.length > 32 ? `App ${shown.slice(0, 31)}…` : `App ${shown}`;
}

/** `1 listener`, `3 listeners`. */
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;

/** A host and what follows, short: what a WebID is called as long as no name is known. */
export function shortWebid(webid) {
  try {
    const { host, pathname } = new URL(webid);
    const named = decoded(pathname).replace(/\/profile\/card$|\/card$|\/$/, '');
    return `${host}${named}`;
  } catch {
    return plain(webid);
  }
}
