// What happens, as it happens: how the connection stands, and the list of what was heard.
import { drawn, element } from '../element.js';
import { copyButton } from './copying.js';
import { entry, gapEntry, note } from './entry.js';
import { Status } from './status.js';
import { relative, said } from './words.js';

/** The newest so many entries are kept. */
const KEPT = 500;
/** Of these, no more than so many characters: whoever tells of changes needs a few hundred. */
const WEIGHT = 8 << 20;
/** Changes are read aloud together, at most once in so many milliseconds. */
const SPOKEN = 3000;

/** What stands there while nothing was heard. */
const EMPTY = {
  idle: 'Nothing yet. Connect, then change something.',
  connecting: 'Nothing yet.',
  open: 'Nothing yet. Change something, below or in another app.',
  closed: 'Nothing was heard.',
};

export class Live {
  #listening;
  #topic;
  #entries = element('ol', { className: 'entries', reversed: true });
  #empty = element('p', { className: 'empty' }, EMPTY.idle);
  #more = element('p', { className: 'soft', hidden: true });
  #spoken = element('p', { className: 'hidden-text', 'aria-live': 'polite' });
  #bell = bell();
  #pause = element('button', { type: 'button', className: 'small', 'aria-pressed': 'false' }, 'Pause');
  #filter = element('input', { id: 'filter', type: 'search', autocomplete: 'off', spellcheck: false });
  #tools;
  /** What waits while the list stands still, oldest first. */
  #held = [];
  #heard = [];
  /** How many characters each entry holds, where it holds any. */
  #weights = new WeakMap();
  #letGo = 0;
  #toSay = [];
  #saying;

  constructor(at, listening, { signIn }) {
    this.#listening = listening;
    const clear = element('button', { type: 'button', className: 'small', onclick: () => this.#clear() }, 'Clear');
    this.#tools = element('div', { className: 'tools', hidden: true },
      element('label', { for: 'filter', className: 'hidden-text' }, 'Show only what contains'),
      this.#filter, this.#pause, clear,
      copyButton('Copy as JSON', () => JSON.stringify(this.#heard.map(({ raw }) => raw), null, 2)));
    this.#filter.placeholder = 'Filter';
    const title = at.querySelector('h2');
    const head = element('div', { className: 'live-head' });
    title.replaceWith(head);
    head.append(this.#bell, title);
    at.append(new Status(listening, { signIn }).element, this.#tools, this.#empty, this.#entries, this.#more, this.#spoken);

    this.#pause.addEventListener('click', () => this.#hold(this.#pause.getAttribute('aria-pressed') !== 'true'));
    this.#filter.addEventListener('input', () => this.#sift());
    listening.addEventListener('heard', ({ detail }) => this.#hear(detail));
    listening.addEventListener('gap', ({ detail }) => this.#put(gapEntry(detail, new Date())));
    listening.addEventListener('cut', () => this.#put(note('Connection lost. Coming back by itself.', new Date())));
    listening.addEventListener('back', () => this.#put(note('Connected again.', new Date())));
    listening.addEventListener('state', () => {
      this.#empty.textContent = EMPTY[listening.state] ?? EMPTY.open;
    });
  }

  begin(topic) {
    if (topic !== this.#topic) this.#clear();
    this.#topic = topic;
    this.#hold(false);
  }

  #hear(notification) {
    const item = entry(notification, this.#topic, new Date());
    const weight = JSON.stringify(notification.raw).length;
    this.#weights.set(item, weight);
    this.#heard.unshift({ raw: notification.raw, weight });
    this.#heard.length = within(this.#heard.map((heard) => heard.weight));
    this.#put(item);
    this.#ring();
    const [, word] = said(notification.type);
    this.#say(`${word}: ${relative(notification.object, this.#topic)}`);
  }

  #put(item) {
    if (this.#pause.getAttribute('aria-pressed') === 'true') {
      this.#held.push(item);
      const newest = this.#held.toReversed();
      const over = newest.length - within(newest.map((held) => this.#weights.get(held) ?? 0));
      this.#held.splice(0, over);
      this.#letGo += over;
      this.#pause.textContent = `Show ${this.#held.length} new`;
      return;
    }
    this.#show(item);
  }

  #show(item) {
    item.hidden = !this.#passes(item);
    this.#entries.prepend(item);
    this.#tools.hidden = false;
    this.#empty.hidden = true;
    const shown = [...this.#entries.children];
    for (const old of shown.slice(within(shown.map((one) => this.#weights.get(one) ?? 0)))) {
      old.remove();
      this.#letGo += 1;
    }
    this.#more.hidden = this.#letGo === 0;
    this.#more.textContent = `The newest ${KEPT} are kept here; ${this.#letGo} older ones were let go.`;
  }

  #hold(isHeld) {
    this.#pause.setAttribute('aria-pressed', String(isHeld));
    this.#pause.textContent = isHeld ? 'Paused' : 'Pause';
    if (!isHeld) for (const item of this.#held.splice(0)) this.#show(item);
  }

  #clear() {
    this.#heard = [];
    this.#held = [];
    this.#letGo = 0;
    this.#entries.replaceChildren();
    this.#more.hidden = true;
    this.#empty.hidden = false;
    this.#tools.hidden = true;
    this.#filter.value = '';
    this.#hold(false);
  }

  #passes(item) {
    const wanted = this.#filter.value.trim().toLowerCase();
    return !wanted || item.dataset.words === undefined || item.dataset.words.includes(wanted);
  }

  #sift() {
    for (const item of this.#entries.children) item.hidden = !this.#passes(item);
  }

  #ring() {
    this.#bell.classList.remove('ringing');
    // Without this look at it the browser would see no change between the two.
    void this.#bell.getBoundingClientRect();
    this.#bell.classList.add('ringing');
  }

  #say(words) {
    this.#toSay.push(words);
    this.#saying ??= setTimeout(() => {
      const all = this.#toSay.splice(0);
      this.#saying = undefined;
      this.#spoken.textContent = all.length > 3 ? `${all.length} changes. The last: ${all.at(-1)}` : all.join('. ');
    }, this.#spoken.textContent === '' ? 200 : SPOKEN);
  }
}

/** How many of the newest may be kept, by what each weighs; always one. */
function within(weights) {
  let weight = 0;
  const over = weights.findIndex((one, at) => at >= KEPT || ((weight += one) > WEIGHT && at > 0));
  return over < 0 ? weights.length : over;
}

function bell() {
  const attributes = { class: 'bell', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' };
  return drawn('svg', attributes,
    drawn('path', { class: 'clapper', d: 'M9.5 19a2.5 2.5 0 0 0 5 0z' }),
    drawn('path', { d: 'M12 2.2a1.3 1.3 0 0 1 1.3 1.4v.7a6 6 0 0 1 4.7 5.9c0 4 .9 5.6 2 6.8.5.5.2 1.3-.5 1.3h-15c-.7 0-1-.8-.5-1.3 1.1-1.2 2-2.8 2-6.8a6 6 0 0 1 4.7-5.9v-.7A1.3 1.3 0 0 1 12 2.2z' }));
}
