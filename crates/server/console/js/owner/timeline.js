// What changed lately in a storage: the newest first, day by day. It stays fresh by itself, and nothing that somebody
// looks at moves: what is new goes on top, what is there stays the same element.
import { drawn, element } from '../element.js';
import { SignedOut, inWords } from './api.js';
import { whileVisible } from './alive.js';
import { person } from './person.js';
import { isHere, lookUp } from './names.js';
import { appName, at, count, dayOf, happened, pathIn, plain } from './words.js';
import { say } from './say.js';

const EVERY = 5;
/** Most that is kept in the page. */
const MOST = 1_000;
/** Pages that are looked through at once for something that may be shown. */
const EMPTY = 5;

const PLUS = 'M8 3v10M3 8h10';
const PEN = 'M3.5 12.5 4 10l6.5-6.5 2 2L6 12z';
const CROSS = 'm4 4 8 8m0-8-8 8';
const DOT = 'M8 8h.01';
const MARKS = new Map(Object.entries({ Created: PLUS, Changed: PEN, Deleted: CROSS, Added: PLUS, Removed: CROSS }));

/** `{ element, close() }`. `host`: `{ api, me, signIn() }`. */
export function timelineView(storage, host) {
  const { api, me } = host;
  const asked = new AbortController();
  const known = new Map();
  let older;
  let isRead = false;

  const problem = element('div', { role: 'alert' });
  const days = element('div', { className: 'days' });
  const empty = element('p', { className: 'soft' }, 'Looking what changed …');
  const more = element('button', { type: 'button', hidden: true, onclick: readOlder }, 'Load older changes');
  const card = element('section', { className: 'card timeline', 'aria-labelledby': 'timeline-title', 'aria-busy': 'true' },
    element('h2', { id: 'timeline-title' }, 'What changed lately'), problem, empty, days, more);

  /** Reads the newest page; what is known of it already stays. */
  async function refresh() {
    try {
      const page = await api.activity(storage, undefined, asked.signal);
      const fresh = page.changes.filter(({ id }) => !known.has(id));
      // More has happened than a page holds: what is between is not known, so it begins anew.
      if (isRead && page.next && fresh.length && fresh.length === page.changes.length) {
        known.clear();
        days.replaceChildren();
        isRead = false;
      }
      for (const change of fresh.reverse()) place(change, true);
      if (!isRead) older = page.next;
      isRead = true;
      forget();
      if (!known.size && older) await readOlder();
      else told();
      problem.replaceChildren();
    } catch (error) {
      failed(error);
    }
    card.removeAttribute('aria-busy');
  }

  /** Reads on, over pages that show nothing. */
  async function readOlder() {
    try {
      const before = known.size;
      for (let turn = 0; older && turn < EMPTY && known.size === before; turn += 1) {
        const page = await api.activity(storage, older, asked.signal);
        older = page.next;
        for (const change of page.changes) if (!known.has(change.id)) place(change, false);
      }
      told();
      if (document.activeElement === more) say(known.size > before ? `${count(known.size - before, 'older change')} loaded.` : 'Nothing older that is shown to you.');
    } catch (error) {
      failed(error);
    }
  }

  function told() {
    empty.hidden = known.size > 0;
    empty.textContent = older ? 'Nothing to show among the newest changes.' : 'Nothing has changed here, as far back as the server remembers.';
    more.hidden = !older || known.size >= MOST;
    for (const day of days.children) day.firstElementChild.textContent = dayOf(new Date(day.dataset.day));
  }

  function place(change, isNewest) {
    const date = new Date(change.published);
    const name = `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
    let day = [...days.children].find((one) => one.dataset.name === name);
    if (!day) {
      day = element('section', {}, element('h3', {}, dayOf(date)), element('ol', { className: 'changes' }));
      Object.assign(day.dataset, { name, day: date.toISOString() });
      if (isNewest) days.prepend(day);
      else days.append(day);
    }
    const line = entry(change, date);
    if (isNewest) day.lastElementChild.prepend(line);
    else day.lastElementChild.append(line);
    known.set(change.id, { line, isNewest });
  }

  function entry({ type, object, actor, client }, date) {
    const word = happened(String(type).replace(/^.*[#/]/, ''));
    const mark = MARKS.get(word) ?? DOT;
    const who = element('span', {});
    const name = () => who.replaceChildren(...(actor ? ['by ', person(actor, me)] : []));
    name();
    if (actor && isHere(actor)) void lookUp(actor).then((found) => found && name());
    return element('li', { className: `change ${word.toLowerCase()}` },
      drawn('svg', { class: 'mark', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, drawn('path', { d: mark })),
      element('div', {},
        element('p', {}, element('b', {}, word), ' ', element('bdi', { title: plain(object) }, object === storage ? 'the root of the storage' : pathIn(storage, object))),
        element('p', { className: 'soft' }, at(date), actor && [' ', who],
          client && [' with ', element('bdi', { title: plain(client) }, appName(client))])));
  }

  /** A page that is left open does not grow for ever: the oldest go, and can be read again. */
  function forget() {
    if (known.size <= MOST) return;
    const lines = [...days.querySelectorAll('li')].slice(MOST);
    const gone = new Set(lines);
    for (const [id, { line }] of known) if (gone.has(line)) known.delete(id);
    for (const line of lines) line.remove();
    for (const day of [...days.children]) if (!day.querySelector('li')) day.remove();
  }

  function failed(error) {
    if (error.name === 'AbortError' || asked.signal.aborted) return;
    const isOver = error instanceof SignedOut;
    const notice = element('div', { className: 'notice bad' }, element('p', {}, inWords(error)),
      element('button', { type: 'button', onclick: () => (isOver ? host.signIn() : refresh()) }, isOver ? 'Sign in again' : 'Try again'));
    if (problem.textContent !== notice.textContent) problem.replaceChildren(notice);
    if (!known.size) empty.hidden = true;
  }

  void refresh();
  const stop = whileVisible(refresh, EVERY);
  return {
    element: card,
    close() {
      stop();
      asked.abort();
    },
  };
}
