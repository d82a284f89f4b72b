// Listeners in groups, by who they are, with which application, or on what; and those that a word finds.
import { appName, shortWebid, topicOf } from './words.js';
import { nameOf } from './names.js';

/** The ways to group, as they are offered. */
export const WAYS = { person: 'Person', app: 'App', resource: 'Resource' };

/** What a listener is called, and where it belongs. */
const keysOf = {
  person: (listener) => [listener.person ?? ''],
  app: (listener) => [listener.app ?? ''],
  resource: (listener) => (listener.topics.length ? listener.topics : ['']),
};

/** `[{ key, listeners }]`: the largest first, then by their names. */
export function grouped(listeners, way) {
  const groups = new Map();
  for (const listener of listeners) {
    for (const key of keysOf[way](listener)) {
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(listener);
    }
  }
  return [...groups]
    .map(([key, of]) => ({ key, listeners: of }))
    .sort((a, b) => b.listeners.length - a.listeners.length || a.key.localeCompare(b.key));
}

/** Whether each word is found somewhere in what is shown of a listener. */
export function matches(listener, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const { person, app, way } = listener;
  const shown = [
    ...(person ? [person, shortWebid(person), nameOf(person) ?? ''] : ['not logged in', 'anybody']),
    app ?? '', appName(app), way,
    ...listener.topics, ...listener.topics.map((topic) => topicOf(listener, topic)),
    listener.connections ? 'connected' : '',
    listener.pushes?.disabled ? 'switched off' : listener.pushes?.failingSince ? 'failing' : '',
  ].join('\n').toLowerCase();
  return words.every((word) => shown.includes(word));
}
