// Ending listeners: what is asked before, and what is said after.
import { confirmed } from './confirm.js';
import { called } from './person.js';
import { appName, count, plain, topicOf } from './words.js';

const BACK = 'They may come back as long as they may read. To keep somebody out, withdraw Read from them first.';
const OWN = 'An app of yours may come back by itself, as long as you are logged in there.';

/** Ends one, if that is confirmed; what to say then. */
export async function asksToEnd(api, listener, me) {
  const who = called(listener.person, me);
  const topics = plain(listener.topics.map((topic) => topicOf(listener, topic)).join(', '));
  const meaning = listener.pushes ? 'Nothing more is sent there, and what still waits is dropped.' : 'It hears nothing more, from this moment on.';
  const back = listener.person === me ? OWN : BACK;
  const title = `End this listener of ${who}?`;
  if (!(await confirmed(title, [`${listener.way} on ${topics}, with ${appName(listener.app)}.`, meaning, back], 'End it'))) return undefined;
  const isDone = await api.end(listener);
  return `${isDone ? 'Ended' : 'It had ended already'}: ${listener.way} of ${who} on ${topics}.`;
}

/** Ends all of a person or of an app, if that is confirmed; what to say then. */
export async function asksToEndAll(api, storage, { person, app, listeners }, { me, all, isWhole }) {
  const whose = person !== undefined ? called(person ?? undefined, me) : appName(app ?? undefined);
  // The filter may hide some; they end too.
  const known = all.filter((one) => (person !== undefined ? one.person === (person ?? undefined) : one.app === (app ?? undefined)));
  const number = `${isWhole ? '' : 'at least '}${count(Math.max(known.length, listeners.length), 'listener')}`;
  const isOwn = person !== undefined && person === me;
  const by = isOwn ? 'you' : person !== undefined ? 'they' : 'people with this app';
  const paragraphs = [
    `All that ${by} listen to in this storage ends: ${number}.`,
    'They hear nothing more, from this moment on, and nothing more is sent to receivers.',
    isOwn ? OWN : BACK,
  ];
  if (!isWhole) paragraphs.splice(1, 0, 'Not all listeners are loaded; those that are not shown end too.');
  if (!(await confirmed(`End all of ${whose}?`, paragraphs, 'End all'))) return undefined;
  const ended = await api.endAll(storage, { person, app }).catch((error) => {
    // Who has a name that is longer than an address may be does not escape by that.
    if (error.status !== 414) throw error;
    return each(api, known);
  });
  return `Ended ${count(ended, 'listener')} of ${whose}.`;
}

/** Ends one after the other; how many. */
async function each(api, listeners) {
  let ended = 0;
  for (const listener of listeners) ended += (await api.end(listener)) ? 1 : 0;
  return ended;
}
