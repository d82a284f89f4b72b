// What could not be delivered to a receiver, and how the last attempts went: a dialog, from which it is delivered again.
import { element } from '../element.js';
import { inWords } from './api.js';
import { dialogOf } from './confirm.js';
import { called } from './person.js';
import { outcome } from './row.js';
import { say } from './say.js';
import { count, happened, pathIn, plain, when } from './words.js';

/** Opens it; `done` is called once it is closed. */
export function letters(api, listener, { me, done }) {
  const asked = new AbortController();
  const problem = element('div', { role: 'alert' });
  const said = element('p', { role: 'status', className: 'soft' }, 'Loading …');
  const list = element('ol', { className: 'letters' });
  const all = element('button', { type: 'button', className: 'main', hidden: true, onclick: () => again('all', all) }, 'Deliver all again');
  const more = element('button', { type: 'button', hidden: true, onclick: () => read(next) }, 'Load more');
  const attempts = element('div', {});
  const close = element('button', { type: 'button', onclick: () => dialog.close() }, 'Close');
  const { dialog, open } = dialogOf(`${listener.way} of ${called(listener.person, me)}`,
    element('h3', {}, 'Dead letters'), problem, said, list, element('div', { className: 'row' }, all, more),
    element('details', {}, element('summary', {}, 'The last attempts'), attempts),
    element('div', { className: 'row' }, close));
  dialog.classList.add('wide');
  dialog.addEventListener('close', () => (asked.abort(), done()));
  let next;

  async function trying(what) {
    problem.replaceChildren();
    try {
      await what();
    } catch (error) {
      if (error.name === 'AbortError') return;
      problem.replaceChildren(element('p', { className: 'notice bad' }, inWords(error)));
      said.textContent = '';
    }
  }

  const read = (from) => trying(async () => {
    const page = await api.deadLetters(listener, from, asked.signal);
    next = page.next;
    if (!from) list.replaceChildren();
    list.append(...page.letters.map(letter));
    more.hidden = !next;
    all.hidden = list.children.length === 0;
    said.textContent = list.children.length ? `${list.children.length}${next ? ' or more' : ''}, the oldest first.` : 'There are none: nothing was given up.';
  });

  const readAttempts = () => trying(async () => {
    const found = await api.attempts(listener, asked.signal);
    attempts.replaceChildren(found.length ? table(found) : element('p', { className: 'soft' }, 'Nothing was sent yet.'));
  });

  const again = (which, button) => trying(async () => {
    button.disabled = true;
    try {
      const number = await api.redeliver(listener, which);
      await read();
      await readAttempts();
      const told = number ? `${count(number, 'message')} will be delivered again.` : 'There was nothing to deliver again.';
      said.textContent = told;
      say(told);
      if (!dialog.contains(document.activeElement) || button.hidden) close.focus();
    } finally {
      button.disabled = false;
    }
  });

  function letter({ number, message, type, object, attempts: tried, owed, died, last }) {
    // It is named only to who may read it.
    const path = object && pathIn(listener.storage, object);
    const button = element('button', { type: 'button', onclick: () => again([number], button) }, 'Deliver again',
      element('span', { className: 'hidden-text' }, `: ${path ?? plain(message)}`));
    return element('li', {},
      element('div', {},
        path && element('p', {}, type && element('b', {}, happened(type)), ' ', element('bdi', { title: plain(object) }, path)),
        element('code', {}, plain(message)),
        element('p', { className: 'soft' },
          count(tried, 'attempt'), ', owed ', when(new Date(owed)), ', given up ', when(new Date(died)),
          last ? `: ${outcome(plain(last.outcome), last.status)}` : '')),
      button);
  }

  open();
  close.focus();
  void read();
  void readAttempts();
}

/** `urn:uuid:bb153438-bea8-…` as `bb153438…`: enough to tell two apart in a table. */
const short = (message) => plain(message).replace(/^urn:uuid:([0-9a-f]{8})-[0-9a-f-]+$/i, '$1…');

function table(attempts) {
  const cell = (content) => element('td', {}, content);
  return element('div', { className: 'scrolls', tabIndex: 0, role: 'region', 'aria-label': 'The last attempts' },
    element('table', {},
      element('thead', {}, element('tr', {}, ...['When', 'Outcome', 'Took', 'Message'].map((name) => element('th', { scope: 'col' }, name)))),
      element('tbody', {}, ...attempts.map(({ at, outcome: word, status, took, message }) => element('tr', {},
        cell(when(new Date(at))), cell(outcome(plain(word), status)), cell(seconds(took)), cell(element('code', { title: plain(message) }, short(message))))))));
}

/** `PT0.012S` as `12 ms`. */
function seconds(duration) {
  const read = /^PT(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(duration ?? '');
  if (!read) return plain(duration ?? '');
  const of = Number(read[1] ?? 0) * 60 + Number(read[2] ?? 0);
  return of < 1 ? `${Math.round(of * 1000)} ms` : `${of.toFixed(1)} s`;
}
