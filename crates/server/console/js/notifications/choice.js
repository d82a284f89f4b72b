// What to listen to, and how. The choice stands in the address of the page, to be kept and shared.
import { config } from '../config.js';
import { element } from '../element.js';
import { Browser } from './browse.js';
import { ALONE, TRANSPORTS } from './words.js';

/** `connect` is dispatched with `{ topic, how, recursive }`, `disconnect`, and `change` when another choice stands there. */
export class Choice extends EventTarget {
  #topic = element('input', {
    id: 'topic', name: 'topic', inputMode: 'url', autocomplete: 'off', spellcheck: false, autocapitalize: 'none',
    placeholder: `${config.pods}…`, 'aria-describedby': 'topic-help topic-problem',
  });
  #problem = element('p', { id: 'topic-problem', className: 'problem', role: 'alert' });
  #help = element('p', { className: 'soft', id: 'topic-help' });
  #how = element('select', { id: 'how', name: 'how' },
    Object.entries(TRANSPORTS).map(([value, words]) => element('option', { value }, words)));
  #alone = radio('far', 'alone', true);
  #below = radio('far', 'below', false);
  #belowHelp = element('span', { className: 'soft', id: 'below-help' });
  #connect = element('button', { className: 'main' }, 'Connect');
  #disconnect = element('button', { type: 'button', hidden: true }, 'Disconnect');
  #browse = element('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'browser' }, 'Browse');
  #fields;
  #form;
  #browser;

  constructor(at, session) {
    super();
    this.#browser = new Browser(session, (url) => this.choose(url));
    this.#fields = element('fieldset', { className: 'bare' },
      element('legend', { className: 'hidden-text' }, 'What to listen to'),
      element('label', { for: 'topic' }, 'Folder or document'),
      element('div', { className: 'beside' }, this.#topic, this.#browse),
      this.#help,
      this.#problem,
      this.#browser.element,
      element('div', { role: 'radiogroup', 'aria-labelledby': 'far-title', className: 'far' },
        element('span', { id: 'far-title', className: 'label' }, 'How far'),
        element('label', { className: 'pick' }, this.#alone, ' Only this resource'),
        element('label', { className: 'pick' }, this.#below, ' Everything below'),
        this.#belowHelp),
      element('label', { for: 'how' }, 'How to listen'),
      this.#how);
    this.#below.setAttribute('aria-describedby', 'below-help');
    this.#form = element('form', { noValidate: true }, this.#fields,
      element('div', { className: 'row' }, this.#connect, this.#disconnect));
    at.append(this.#form);

    this.#form.addEventListener('submit', (event) => (event.preventDefault(), this.submit()));
    this.#form.addEventListener('input', () => this.#changed());
    this.#disconnect.addEventListener('click', () => this.dispatchEvent(new Event('disconnect')));
    this.#browse.addEventListener('click', () => this.#toggle());
    this.#read(new URLSearchParams(location.search));
    // Coming back from the provider brings the choice of before.
    session.addEventListener('change', () => {
      this.#help.textContent = `Its address, in a pod on any server.${session.webid ? '' : ' Sign in to hear what is private.'}`;
      if (!this.#topic.value) this.#read(new URLSearchParams(location.search));
    });
  }

  /** `{ topic, how, recursive }`, or undefined while no address stands there. */
  get chosen() {
    const topic = address(this.#topic.value);
    return topic && { topic, how: this.#how.value, recursive: this.#below.checked && !this.#below.disabled };
  }

  choose(url) {
    this.#topic.value = url;
    this.#changed();
  }

  /** Fills an empty field in. */
  suggest(url) {
    if (!url || this.#topic.value) return;
    this.#below.checked = !this.#below.disabled;
    this.choose(url);
  }

  submit() {
    const { chosen } = this;
    this.#complain(chosen ? refusal(chosen.topic) : 'An address is needed, such as https://pod.example/notes/.');
    if (this.#problem.textContent) return;
    this.#topic.value = chosen.topic;
    this.#browser.close();
    this.#browse.setAttribute('aria-expanded', 'false');
    this.dispatchEvent(new CustomEvent('connect', { detail: chosen }));
  }

  /** One button takes the other's place, and the focus with it. */
  show(isOn) {
    const hadFocus = [this.#connect, this.#disconnect].includes(document.activeElement);
    this.#connect.hidden = isOn;
    this.#disconnect.hidden = !isOn;
    this.#fields.disabled = isOn;
    if (hadFocus || (isOn && document.activeElement === document.body)) (isOn ? this.#disconnect : this.#connect).focus();
  }

  #changed() {
    const isAlone = ALONE.has(this.#how.value);
    this.#below.disabled = isAlone;
    this.#belowHelp.textContent = isAlone ? 'This way to listen tells of one resource.' : '';
    this.#complain();
    const { chosen } = this;
    const to = new URL(location.pathname, location.origin);
    if (chosen) {
      to.searchParams.set('topic', chosen.topic);
      if (chosen.recursive) to.searchParams.set('below', '');
      if (chosen.how !== 'auto') to.searchParams.set('how', chosen.how);
    }
    // An answer of the provider that is still in the address is the session's.
    if (!new URLSearchParams(location.search).has('state')) history.replaceState(null, '', to);
    this.dispatchEvent(new Event('change'));
  }

  #read(query) {
    const how = query.get('how');
    if (Object.hasOwn(TRANSPORTS, how ?? '')) this.#how.value = how;
    this.#below.checked = query.has('below');
    this.#alone.checked = !query.has('below');
    if (query.get('topic')) this.choose(query.get('topic'));
  }

  #complain(text = '') {
    this.#problem.textContent = text;
    this.#topic.setAttribute('aria-invalid', String(Boolean(text)));
    if (text) this.#topic.focus();
  }

  #toggle() {
    const isOpen = this.#browse.getAttribute('aria-expanded') === 'true';
    this.#browse.setAttribute('aria-expanded', String(!isOpen));
    if (isOpen) return this.#browser.close();
    this.#complain();
    return this.#browser.open(this.chosen?.topic ?? config.pods);
  }
}

function radio(name, value, checked) {
  return element('input', { type: 'radio', name, value, checked });
}

/** What was typed, as an address; undefined if it is none. */
function address(typed) {
  const text = typed.trim();
  if (!text) return undefined;
  const whole = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(whole)) return undefined;
  const url = new URL(whole);
  url.hash = '';
  return url.href;
}

function refusal(topic) {
  const { protocol, username } = new URL(topic);
  if (username) return 'An address with a name or password in it is not sent anywhere. Sign in instead.';
  if (protocol === 'https:' || (protocol === 'http:' && config.development)) return undefined;
  return protocol === 'http:' ? 'Only https is safe to listen to.' : 'Only addresses of the web, https://…, can be listened to.';
}
