// The groups of the list: what heads each, and its rows. Told anew, they stay where they are as far as they are the same,
// so nobody loses their place.
import { element } from '../element.js';
import { grouped } from './groups.js';
import { called, person } from './person.js';
import { Row } from './row.js';
import { appName, count, pathIn, plain } from './words.js';

/** Rows of a group that are shown at once. */
const MANY = 25;

/** `acts` are those of rows, and `endAll({ person | app, listeners })`. */
export class Groups {
  element = element('div', { className: 'groups' });
  #acts;
  #way;
  #groups = new Map();

  constructor(acts) {
    this.#acts = acts;
  }

  show(listeners, way) {
    if (way !== this.#way) {
      this.#groups.clear();
      this.element.replaceChildren();
      this.#way = way;
    }
    const wanted = grouped(listeners, way);
    const kept = new Map();
    for (const { key, listeners: of } of wanted) {
      const group = this.#groups.get(key) ?? new Group(key, way, this.#acts);
      group.update(of);
      kept.set(key, group);
    }
    this.#groups = kept;
    inOrder(this.element, [...kept.values()].map((group) => group.element));
  }
}

class Group {
  #key;
  #way;
  #acts;
  #rows = new Map();
  #listeners = [];
  #isOpen = false;
  #title = element('h3', {});
  #under = element('p', { className: 'soft under' });
  #list = element('ul', { className: 'rows' });
  #more = element('button', { type: 'button', className: 'quiet', onclick: () => this.#open() });
  #end = element('button', { type: 'button', className: 'bad' });

  constructor(key, way, acts) {
    [this.#key, this.#way, this.#acts] = [key, way, acts];
    const which = way === 'person' ? { person: key || null } : { app: key || null };
    this.#end.onclick = () => acts.endAll({ ...which, listeners: this.#listeners });
    this.element = element('section', { className: 'group' },
      element('div', { className: 'head' }, element('div', {}, this.#title, this.#under), way !== 'resource' && this.#end),
      this.#list, this.#more);
  }

  update(listeners) {
    this.#listeners = listeners;
    this.#tellHead();
    const shown = this.#isOpen ? listeners : listeners.slice(0, MANY);
    const kept = new Map();
    for (const listener of shown) {
      const row = this.#rows.get(listener.id);
      row?.update(listener);
      kept.set(listener.id, row ?? new Row(listener, this.#way, this.#acts));
    }
    this.#rows = kept;
    inOrder(this.#list, [...kept.values()].map((row) => row.element));
    this.#more.hidden = shown.length === listeners.length;
    this.#more.textContent = `Show all ${listeners.length}`;
  }

  #open() {
    this.#isOpen = true;
    const behind = this.#list.children.length;
    this.update(this.#listeners);
    this.#list.children[behind]?.querySelector('button:not([hidden])')?.focus();
  }

  #tellHead() {
    const [key, of] = [this.#key, this.#listeners];
    const { me, changed } = this.#acts;
    const title = {
      person: () => person(key || undefined, me, changed),
      app: () => element('bdi', { title: plain(key) }, appName(key)),
      resource: () => element('bdi', { title: plain(key) }, key ? (key === of[0].storage ? 'The root of the storage' : pathIn(of[0].storage, key)) : 'Nothing here'),
    }[this.#way]();
    const hadFocus = this.#title.contains(document.activeElement);
    this.#title.replaceChildren(title);
    if (hadFocus) this.#title.querySelector('button')?.focus();
    const address = this.#way !== 'resource' && key ? [element('bdi', {}, plain(key)), ' · '] : [];
    this.#under.replaceChildren(...address, count(of.length, 'listener'));
    const whose = this.#way === 'person' ? called(key || undefined, me) : appName(key);
    this.#end.replaceChildren(of.length > 1 ? `End all ${of.length}` : 'End all', element('span', { className: 'hidden-text' }, ` of ${whose}`));
  }
}

/** Puts children in order, and moves none that is in its place. */
function inOrder(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}
