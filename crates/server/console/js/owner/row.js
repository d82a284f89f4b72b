// One listener in the list.
import { element } from '../element.js';
import { appName, count, plain, topicOf, when } from './words.js';
import { called, person } from './person.js';

/** Topics of one listener that are shown at once. */
const TOPICS = 5;

const OUTCOMES = new Map([
  ['timed-out', 'no answer in time'],
  ['unreachable', 'cannot be reached'],
  ['forbidden', 'the address leads where nothing is sent'],
]);

/**
 * A row that can be told anew without losing where somebody is in it. `way` is how the list is grouped: that is not
 * repeated in the row. `acts`: `{ end(listener), letters(listener), changed(), me }`.
 */
export class Row {
  #listener;
  #told;
  #way;
  #acts;
  #what = element('div', { className: 'what' });
  #health = element('p', { className: 'health' });
  #letters;
  #end;

  constructor(listener, way, acts) {
    this.#way = way;
    this.#acts = acts;
    this.#letters = element('button', { type: 'button', onclick: () => acts.letters(this.#listener) });
    this.#end = element('button', { type: 'button', className: 'bad', onclick: () => acts.end(this.#listener) });
    this.element = element('li', { className: 'listener' },
      this.#what,
      element('div', { className: 'acts' }, this.#letters, this.#end),
      this.#health);
    this.update(listener);
  }

  update(listener) {
    this.#listener = listener;
    const told = JSON.stringify([listener, called(listener.person)]);
    if (told === this.#told) return;
    this.#told = told;
    const { me, changed } = this.#acts;
    // Whoever is on the button that is made anew goes on there.
    const wasInside = this.#what.contains(document.activeElement);
    this.#what.replaceChildren(
      element('p', { className: 'topics' }, ...(this.#way === 'resource' ? [person(listener.person, me, changed)] : topics(listener))),
      element('ul', { className: 'facts' }, ...[
        this.#way === 'resource' && (listener.topics.length > 1 || listener.recursive) && element('span', {}, topics(listener)),
        this.#way === 'app' && person(listener.person, me, changed),
        this.#way !== 'app' && element('bdi', { title: listener.app ? plain(listener.app) : undefined }, appName(listener.app)),
        listener.way,
        listener.types.length > 0 && `only ${listener.types.map(plain).join(', ')}`,
        connected(listener),
        listener.since && ['since ', when(listener.since)],
        listener.lastDelivered && ['last delivered ', when(listener.lastDelivered)],
        listener.until && ['ends ', when(listener.until)],
      ].filter(Boolean).map((fact) => element('li', {}, fact))));
    if (wasInside) this.#what.querySelector('button')?.focus();
    this.#tellHealth(listener);
    const on = plain(listener.topics.slice(0, TOPICS).map((topic) => topicOf(listener, topic)).join(', '));
    this.#end.replaceChildren('End', element('span', { className: 'hidden-text' }, ` ${listener.way} of ${called(listener.person, me)} on ${on}`));
  }

  #tellHealth({ pushes }) {
    this.#health.hidden = this.#letters.hidden = !pushes?.isKnown;
    if (!pushes?.isKnown) return;
    this.#letters.textContent = pushes.deadLetters ? count(pushes.deadLetters, 'dead letter') : 'Deliveries';
    this.#letters.classList.toggle('warn', pushes.deadLetters > 0);
    this.#health.className = `health ${pushes.disabled ? 'off' : pushes.failingSince ? 'failing' : 'fine'}`;
    this.#health.replaceChildren(...healthInWords(pushes));
  }
}

function topics(listener) {
  const shown = listener.topics.slice(0, TOPICS).map((topic) => element('bdi', { title: plain(topic) }, topicOf(listener, topic)));
  const more = listener.topics.length - shown.length;
  return [...shown.flatMap((topic, index) => (index ? [', ', topic] : [topic])), more > 0 && ` and ${more} more`];
}

function connected({ pushes, connections }) {
  if (pushes || connections === undefined) return undefined;
  if (!connections) return element('span', { className: 'away' }, 'not connected');
  return element('span', { className: 'here' }, connections > 1 ? `connected now, ${connections} times` : 'connected now');
}

/** How what is pushed fares. */
function healthInWords({ disabled, disabledReason, failingSince, failedWith, nextAttempt, pending, missed }) {
  const said = [];
  if (disabled) said.push(element('b', {}, 'Switched off'), ' ', when(disabled), disabledReason ? `: ${plain(disabledReason)}` : '');
  else if (failingSince) {
    said.push(element('b', {}, 'Failing'), ' since ', when(failingSince), failedWith ? `: ${outcome(plain(failedWith))}` : '');
    if (nextAttempt) said.push(nextAttempt > Date.now() ? ', next attempt ' : ', next attempt due ', when(nextAttempt));
  } else said.push(element('b', {}, 'Fine'));
  if (pending) said.push(` · ${pending.toLocaleString('en-GB')} waiting`);
  if (missed) said.push(` · ${missed.toLocaleString('en-GB')} missed`);
  return said;
}

/** How an attempt ended, in words. */
export function outcome(word, status) {
  const said = OUTCOMES.get(word) ?? word;
  return status === undefined ? said : `${said} with ${status}`;
}
