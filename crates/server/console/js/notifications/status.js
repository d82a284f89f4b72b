// How the connection stands, in one line; below it, for whoever looks, the channel.
import { element } from '../element.js';
import { copyButton } from './copying.js';
import { TRANSPORTS, ending, lasting, timeOf } from './words.js';

export class Status {
  #listening;
  #signIn;
  #dot = element('span', { className: 'dot', 'aria-hidden': 'true' });
  #line = element('span', { className: 'line' });
  /** It changes each second, so it is not read aloud. */
  #clock = element('span', { className: 'soft', 'aria-hidden': 'true' });
  #advice = element('p', { className: 'advice', hidden: true });
  #action = element('p', { className: 'row', hidden: true });
  #facts = element('dl', { className: 'facts' });
  #more = element('details', { className: 'channel', hidden: true }, element('summary', {}, 'The channel'), this.#facts);

  constructor(listening, { signIn }) {
    this.#listening = listening;
    this.#signIn = signIn;
    this.element = element('div', { className: 'status' },
      element('div', { role: 'status' },
        element('p', { className: 'state' }, this.#dot, this.#line, this.#clock), this.#advice),
      this.#action, this.#more);
    listening.addEventListener('state', () => this.#show());
    listening.addEventListener('heard', () => this.#describe());
    this.#more.addEventListener('toggle', () => this.#describe());
    this.#show();
    setInterval(() => this.#tick(), 1000);
  }

  #show() {
    const { state, since, asked, was, webid } = this.#listening;
    this.element.dataset.state = state;
    const host = asked && new URL(asked.topic).host;
    const why = state !== 'closed' ? undefined : ending(this.#listening.ending, { was, webid, asked });
    const way = TRANSPORTS[this.#listening.facts.transport];
    this.#line.textContent = {
      idle: 'Not connected',
      connecting: `Connecting to ${host} …`,
      open: `Connected since ${timeOf(since)}${way ? ` by ${way}` : ''}`,
      waiting: was ? 'Connection lost. Waiting to come back …' : `${host} does not answer. Trying again …`,
      closed: why?.title,
    }[state];
    this.#advice.textContent = why?.advice ?? (state === 'waiting' ? sentence(this.#listening.facts.problem) : '');
    this.#advice.hidden = !this.#advice.textContent;
    this.#action.hidden = !why?.signIn || Boolean(webid);
    this.#action.replaceChildren(element('button', { type: 'button', className: 'main', onclick: this.#signIn }, 'Sign in …'));
    this.#tick();
    this.#describe();
  }

  #tick() {
    const { state, since, facts } = this.#listening;
    const from = (at) => Math.max(0, Math.round((at - Date.now()) / 1000));
    const again = facts.retryAt ? `again in ${lasting(from(facts.retryAt))}` : 'now';
    this.#clock.textContent = { open: lasting(-Math.round((since - Date.now()) / 1000)), waiting: again }[state] ?? '';
  }

  #describe() {
    const { transport, channel, cursor, resumes } = this.#listening.facts;
    this.#more.hidden = !this.#listening.isOn || !transport;
    if (this.#more.hidden || !this.#more.open) return;
    const rows = [
      ['Transport', TRANSPORTS[transport] ?? transport],
      ['After a cut', resumes ? 'goes on where it was, without a gap' : 'begins anew; what happened between is not told'],
      channel && ['Channel', channel],
      cursor && ['Cursor', cursor],
    ].filter(Boolean);
    this.#facts.replaceChildren(...rows.map(([name, value]) => row(name, value, name === 'Channel' || name === 'Cursor')));
  }
}

/** What a program says of a problem, as a sentence. */
const sentence = (text = '') => text && `${text[0].toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;

function row(name, value, isLong) {
  if (!isLong) return element('div', {}, element('dt', {}, name), element('dd', {}, value));
  const short = value.length > 28 ? `${value.slice(0, 12)}…${value.slice(-12)}` : value;
  return element('div', {}, element('dt', {}, name),
    element('dd', {}, element('code', { title: value }, short), ' ', copyButton('Copy', () => value, { name: `Copy the ${name.toLowerCase()}` })));
}
