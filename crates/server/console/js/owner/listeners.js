// Everything that listens to a storage, in groups; and how any of it is ended.
import { element } from '../element.js';
import { SignedOut, inWords } from './api.js';
import { whileVisible } from './alive.js';
import { asksToEnd, asksToEndAll } from './ending.js';
import { Groups } from './group.js';
import { WAYS, matches } from './groups.js';
import { letters } from './letters.js';
import { ails } from './listener.js';
import { isHere, lookUp } from './names.js';
import { say } from './say.js';
import { count, tick } from './words.js';

const EVERY = 10;
/** Pages that are read anew by themselves; more only when somebody asks. */
const PAGES = 5;

/** `{ element, close() }` for a storage. `host`: `{ api, me, by, group(way), signIn() }`. */
export function listenersView(storage, host) {
  const { api, me } = host;
  const asked = new AbortController();
  let listeners;
  let next;
  let pages = 1;
  let reading = 0;
  let isCut = false;
  let frame;
  let way = Object.hasOwn(WAYS, host.by ?? '') ? host.by : 'person';

  const tiles = element('dl', { className: 'tiles' });
  const problem = element('div', { role: 'alert' });
  const filter = element('input', { id: 'filter', type: 'search', placeholder: 'a name, an app, a path …', autocomplete: 'off', spellcheck: false, oninput: show });
  const ways = element('fieldset', { className: 'ways' }, element('legend', {}, 'Group by'),
    ...Object.entries(WAYS).map(([value, name]) => element('label', {},
      element('input', { type: 'radio', name: 'by', value, checked: value === way, onchange: () => ((way = value), host.group(value), show()) }),
      element('span', {}, name))));
  const tools = element('div', { className: 'tools', hidden: true },
    element('div', {}, element('label', { for: 'filter' }, 'Find'), filter), ways);
  const found = element('p', { className: 'soft', role: 'status' });
  const empty = element('div', { className: 'empty', hidden: true });
  const more = element('button', { type: 'button', hidden: true, onclick: () => read(pages + 1, next) }, 'Load more listeners');
  const rest = element('p', { className: 'soft', hidden: true }, 'More listen at this moment than can be shown.');
  const heading = element('h2', { id: 'listeners-title', tabIndex: -1 }, 'Listeners');
  const groups = new Groups({
    me,
    end: (listener) => ending(asksToEnd(api, listener, me)),
    endAll: (group) => ending(asksToEndAll(api, storage, group, { me, all: listeners, isWhole: !next && !isCut })),
    letters: (listener) => letters(api, listener, { me, done: () => read(pages) }),
    changed: show,
  });
  const waiting = element('p', { className: 'soft loading' }, 'Looking who listens …');
  const card = element('section', { className: 'card listeners', 'aria-labelledby': 'listeners-title', 'aria-busy': 'true' },
    heading, problem, waiting, tiles, tools, found, empty, groups.element, rest, more);

  /** Reads so many pages from the first, or the `next` one, and shows what is there now. */
  async function read(upTo, from) {
    const mine = (reading += 1);
    try {
      const entries = new Map(from ? listeners.map((one) => [one.id, one]) : []);
      let turn = from ? pages : 0;
      let page = { next: from };
      do {
        page = await api.listeners(storage, page.next, asked.signal);
        for (const entry of page.entries) entries.set(entry.id, entry);
        turn += 1;
      } while (page.next && turn < upTo);
      // Another reading has begun since, and knows better.
      if (mine !== reading) return;
      [listeners, next, pages, isCut] = [[...entries.values()], page.next, turn, page.isCut];
      problem.replaceChildren();
      show();
      nameThem();
      if (from) say(`${count(listeners.length, 'listener')} loaded.`);
    } catch (error) {
      failed(error);
    }
    waiting.remove();
    card.removeAttribute('aria-busy');
  }

  /** Shows what there is, by the filter and the way of grouping. */
  function show() {
    if (!listeners) return;
    const shown = listeners.filter((listener) => matches(listener, filter.value));
    groups.show(shown, way);
    tell(tiles, listeners, next || isCut);
    tools.hidden = listeners.length === 0;
    tiles.hidden = listeners.length === 0;
    found.textContent = shown.length === listeners.length ? '' : `${shown.length} of ${count(listeners.length, 'listener')}`;
    empty.hidden = shown.length > 0;
    empty.replaceChildren(...(listeners.length
      ? [element('p', {}, 'None of the listeners is like that.', next || isCut ? ' Not all of them are loaded.' : '')]
      : [element('p', { className: 'large' }, 'Nobody listens.'),
        element('p', { className: 'soft' }, 'Whenever an app or a person begins to listen to something in this storage, they stand here. ',
          element('a', { href: `/notifications.html?topic=${encodeURIComponent(storage)}` }, 'Listen yourself'))]));
    more.hidden = !next;
    rest.hidden = !isCut;
    tick(card);
  }

  /** Shows it anew, once for all that asks for it until the next frame. */
  function soon() {
    frame ??= requestAnimationFrame(() => {
      frame = undefined;
      if (!asked.signal.aborted) show();
    });
  }

  /** Names of people of this server; others are asked for by a button. */
  function nameThem() {
    const people = new Set(listeners.map(({ person }) => person).filter((person) => person && isHere(person)));
    for (const webid of people) void lookUp(webid).then((name) => name && soon());
  }

  /** Does what was asked for, if it was confirmed, and says how it went. */
  async function ending(asking) {
    let done;
    try {
      done = await asking;
      if (done === undefined) return;
    } catch (error) {
      failed(error);
      return;
    }
    await read(pages);
    say(done);
    // The button that was pressed may be gone.
    if (document.activeElement === document.body) heading.focus();
  }

  function failed(error) {
    if (error.name === 'AbortError' || asked.signal.aborted) return;
    const again = () => (error instanceof SignedOut ? host.signIn() : read(pages));
    const text = element('p', {}, inWords(error));
    const notice = element('div', { className: 'notice bad' }, text,
      element('button', { type: 'button', onclick: again }, error instanceof SignedOut ? 'Sign in again' : 'Try again'));
    // Said once, however often it is tried.
    if (problem.textContent !== notice.textContent) problem.replaceChildren(notice);
  }

  void read(1);
  const stop = whileVisible(() => (pages <= PAGES ? read(pages) : tick(card)), EVERY);
  return {
    element: card,
    close() {
      stop();
      asked.abort();
    },
  };
}

/** The few figures that one looks for first. */
function tell(at, listeners, isMore) {
  const number = (of) => `${of.toLocaleString('en-GB')}${isMore ? '+' : ''}`;
  const different = (of) => new Set(listeners.map(of).filter(Boolean)).size;
  const figures = [
    ['Listeners', number(listeners.length)],
    ['People', number(different(({ person }) => person))],
    ['Apps', number(different(({ app }) => app))],
    ['Connected now', number(listeners.filter(({ connections }) => connections > 0).length)],
  ];
  const unwell = listeners.filter(ails).length;
  if (unwell) figures.push(['Need a look', number(unwell)]);
  at.replaceChildren(...figures.map(([name, figure]) =>
    element('div', { className: name === 'Need a look' ? 'tile unwell' : 'tile' }, element('dt', {}, name), element('dd', {}, figure))));
}
