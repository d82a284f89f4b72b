// Something to ring: a test document in the folder that is listened to, by plain PUT, PATCH and DELETE.
//
// It never touches a document that this page did not make: the name is new, and it is made only where nothing is.
import { element } from '../element.js';
import { container } from './storage.js';
import { readable, relative } from './words.js';

/** As many answers are shown. */
const ANSWERS = 4;

/** `listen` is dispatched with the address of a folder, for whoever would hear nothing otherwise. */
export class Bench extends EventTarget {
  #session;
  #listening;
  #said = element('p', { className: 'soft', id: 'try-said' }, 'Connect first. Then a test document rings the bell.');
  #create = element('button', { type: 'button' }, 'Create');
  #change = element('button', { type: 'button' }, 'Change');
  #remove = element('button', { type: 'button' }, 'Delete');
  #answers = element('ol', { className: 'answers', 'aria-live': 'polite', 'aria-label': 'Answers' });
  #hint = element('p', { className: 'soft', hidden: true });
  /** The folder that was listened to last. */
  #container;
  #document;
  #mayWrite = false;
  #turn = 0;
  #folder;
  #webid;
  #count = 0;

  constructor(at, session, listening) {
    super();
    this.#session = session;
    this.#listening = listening;
    const buttons = [this.#create, this.#change, this.#remove];
    for (const button of buttons) button.setAttribute('aria-describedby', 'try-said');
    at.append(this.#said, element('div', { className: 'row' }, buttons), this.#hint, this.#answers);
    this.#create.addEventListener('click', () => this.#act('PUT'));
    this.#change.addEventListener('click', () => this.#act('PATCH'));
    this.#remove.addEventListener('click', () => this.#act('DELETE'));
    listening.addEventListener('state', () => this.look());
    this.#enable();
  }

  /** Whether one may write there, as far as the server says (`WAC-Allow`). */
  look() {
    const { isOn, asked } = this.#listening;
    const folder = isOn ? container(asked.topic).href : undefined;
    const { webid } = this.#session;
    const isOther = webid !== this.#webid;
    if (isOther || folder !== this.#folder) {
      // What was made can be deleted also when nobody listens any more.
      if (isOther || (folder && folder !== this.#container)) this.#document = undefined;
      this.#webid = webid;
      this.#folder = folder;
      this.#container = folder ?? this.#container;
      this.#mayWrite = false;
      const turn = (this.#turn += 1);
      this.#say(folder ? 'Looking whether you may write there …' : 'Connect first. Then a test document rings the bell.');
      if (folder) void this.#judge(folder, turn);
    }
    this.#advise();
    this.#enable();
  }

  async #judge(folder, turn) {
    const refusal = await this.#refusal(folder);
    if (turn !== this.#turn) return;
    this.#mayWrite = !refusal;
    this.#say(refusal ?? `A small document of its own in ${readable(folder)}`);
    this.#enable();
  }

  async #refusal(folder) {
    const answer = await this.#session.fetch(folder, { method: 'HEAD' }).catch(() => undefined);
    if (!answer) return 'The server cannot be reached now.';
    const allowed = /user="([^"]*)"/.exec(answer.headers.get('wac-allow') ?? '')?.[1];
    if (allowed !== undefined ? /\b(write|append)\b/.test(allowed) : ![401, 403].includes(answer.status)) return undefined;
    return this.#session.webid ? 'You may not write in this folder.' : 'Sign in as somebody who may write in this folder.';
  }

  async #act(method) {
    const name = () => `podbell-test-${crypto.randomUUID().slice(0, 8)}.ttl`;
    const [folder, webid] = [this.#container, this.#webid];
    const url = method === 'PUT' ? new URL(name(), folder).href : this.#document;
    const buttons = [this.#create, this.#change, this.#remove];
    const pressed = document.activeElement;
    for (const button of buttons) button.setAttribute('aria-busy', 'true');
    const answer = await this.#session.fetch(url, this.#request(method)).catch(() => undefined);
    for (const button of buttons) button.removeAttribute('aria-busy');
    this.#show(method, relative(url, folder), url, answer);
    // Meanwhile another folder may have been chosen, or somebody else be here.
    if (folder !== this.#container || webid !== this.#webid) return;
    if (answer?.ok && method === 'PUT') this.#document = url;
    if (method === 'DELETE' && (answer?.ok || answer?.status === 404)) this.#document = undefined;
    this.#enable();
    // The button that was pressed may be off now; the next step keeps the focus.
    if (pressed?.disabled) buttons.find((button) => !button.disabled)?.focus();
  }

  #request(method) {
    this.#count += 1;
    const words = JSON.stringify(`Rung ${this.#count} from the console`);
    const title = `<> <http://purl.org/dc/terms/title> ${words} .`;
    if (method === 'PUT') {
      return { method, headers: { 'Content-Type': 'text/turtle', 'If-None-Match': '*' }, body: title };
    }
    if (method === 'DELETE') return { method };
    const patch = `@prefix solid: <http://www.w3.org/ns/solid/terms#> .\n_:change a solid:InsertDeletePatch ; solid:inserts { ${title} } .`;
    return { method, headers: { 'Content-Type': 'text/n3' }, body: patch };
  }

  #show(method, name, url, answer) {
    const words = answer ? `${answer.status} ${answer.statusText.slice(0, 60) || (answer.ok ? 'done' : 'refused')}` : 'no answer';
    this.#answers.prepend(element('li', { className: answer?.ok ? 'good' : 'bad' },
      element('code', {}, method), ' ', element('bdi', { title: url }, name), ' ',
      element('strong', {}, words)));
    while (this.#answers.children.length > ANSWERS) this.#answers.lastElementChild.remove();
  }

  #advise() {
    const { isOn, asked } = this.#listening;
    this.#hint.hidden = true;
    if (!isOn) return;
    this.#hint.hidden = false;
    if (!asked.topic.endsWith('/')) {
      const listen = () => this.dispatchEvent(new CustomEvent('listen', { detail: this.#container }));
      this.#hint.replaceChildren('You listen to one document, and this one lies beside it. ',
        element('button', { type: 'button', className: 'small', onclick: listen }, 'Listen to the folder'));
    } else if (!asked.recursive && asked.how !== 'solid-0.1') {
      this.#hint.replaceChildren('You listen to the folder alone: what comes and goes rings, what changes inside does not.');
    } else {
      this.#hint.hidden = true;
    }
  }

  #say(words) {
    this.#said.textContent = words;
  }

  #enable() {
    this.#create.disabled = !this.#mayWrite || Boolean(this.#document);
    this.#change.disabled = !this.#mayWrite || !this.#document;
    this.#remove.disabled = !this.#document;
  }
}
