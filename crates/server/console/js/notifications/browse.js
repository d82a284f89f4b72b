// A look into containers, to choose what to listen to.
import { textOf } from '../bounded.js';
import { element } from '../element.js';
import { members } from './members.js';
import { container } from './storage.js';
import { readable } from './words.js';

/** No more members than this are shown. */
const SHOWN = 200;
/** Bytes of a description of a folder that are read. */
const MOST = 8 << 20;
/** Milliseconds that it may take. */
const PATIENCE = 30_000;

export class Browser {
  element = element('div', { id: 'browser', className: 'browser', hidden: true, role: 'group', 'aria-label': 'Browse' });
  #session;
  #choose;
  #crumbs = element('ol', { className: 'crumbs' });
  #status = element('p', { className: 'soft', role: 'status' });
  #list = element('ul', { className: 'members' });
  #turn = 0;

  constructor(session, choose) {
    this.#session = session;
    this.#choose = choose;
    this.element.append(element('nav', { 'aria-label': 'Path' }, this.#crumbs), this.#status, this.#list);
    this.#list.addEventListener('keydown', (event) => this.#arrows(event));
  }

  async open(url) {
    this.element.hidden = false;
    await this.#show(container(url).href);
  }

  close() {
    this.element.hidden = true;
    this.#turn += 1;
  }

  /** Goes into a container: it is chosen then. */
  async #enter(url) {
    this.#choose(url);
    await this.#show(url);
    (this.#list.querySelector('button') ?? this.#crumbs.querySelector('[aria-current]'))?.focus();
  }

  async #show(url) {
    const turn = (this.#turn += 1);
    this.#crumbs.replaceChildren(...this.#path(url));
    this.#list.replaceChildren();
    this.#status.textContent = 'Looking …';
    const { found, problem } = await look(this.#session, url);
    if (turn !== this.#turn) return;
    if (problem) return void (this.#status.textContent = problem);
    const left = found.length - SHOWN;
    this.#status.textContent =
      found.length === 0 ? 'Nothing is in here yet.' : left > 0 ? `${SHOWN} of ${found.length}; type the address of another.` : `${found.length} in here.`;
    this.#list.replaceChildren(...found.slice(0, SHOWN).map((member) => this.#member(member, url)));
  }

  #member(member, parent) {
    const isContainer = member.endsWith('/');
    const name = readable(member.startsWith(parent) ? member.slice(parent.length) : member);
    const press = () => (isContainer ? this.#enter(member) : this.#choose(member));
    return element('li', {}, element('button', { type: 'button', title: member, onclick: press },
      element('span', { className: 'kind', 'aria-hidden': 'true' }, isContainer ? '▸' : '·'),
      element('span', { className: 'hidden-text' }, isContainer ? 'Folder ' : 'Document '), name));
  }

  #path(url) {
    const { origin, pathname, host } = new URL(url);
    const parts = pathname.split('/').filter(Boolean);
    const steps = [[host, `${origin}/`], ...parts.map((part, i) => [readable(part), `${origin}/${parts.slice(0, i + 1).join('/')}/`])];
    return steps.map(([name, target], i) => {
      const button = element('button', { type: 'button', title: target, onclick: () => this.#enter(target) }, name);
      if (i === steps.length - 1) button.setAttribute('aria-current', 'location');
      return element('li', {}, button);
    });
  }

  #arrows(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...this.#list.querySelectorAll('button')];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }
}

/** What is in a container, folders first; or in words why that cannot be told. */
async function look(session, url) {
  let answer;
  try {
    answer = await session.fetch(url, { headers: { Accept: 'application/ld+json' }, signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    return { problem: `${new URL(url).host} cannot be reached.` };
  }
  if (answer.status === 401) return { problem: 'Only people who signed in may look in here. Its address can still be chosen.' };
  if (answer.status === 403) return { problem: 'You may not look in here. A folder further down may be open to you: type its address.' };
  if (answer.status === 404) return { problem: 'There is nothing here yet. One can listen all the same.' };
  if (!answer.ok) return { problem: `The server answers ${answer.status} ${answer.statusText.slice(0, 60)}.` };
  try {
    const found = members(JSON.parse(await textOf(answer, MOST)), url);
    return { found: found.sort((a, b) => b.endsWith('/') - a.endsWith('/') || a.localeCompare(b)) };
  } catch {
    return { problem: 'The server describes this folder in a way that cannot be read here.' };
  }
}
