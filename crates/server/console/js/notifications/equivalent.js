// How to hear the same elsewhere: a line for the terminal, and a few of code.
import { config } from '../config.js';
import { element } from '../element.js';
import { copyButton } from './copying.js';

/** What `podbell watch` knows. */
const TYPES = ['websocket', 'eventsource', 'streaming'];

export class Equivalent {
  #session;
  #line = element('code');
  #code = element('code');
  #note = element('p', { className: 'soft' });

  constructor(at, session) {
    this.#session = session;
    at.append(
      element('div', {}, element('h3', {}, 'In a terminal'), snippet(this.#line, 'Copy the command'), this.#note),
      element('div', {}, element('h3', {}, 'In your code'), snippet(this.#code, 'Copy the code')));
    this.show();
  }

  show(chosen) {
    const { topic, how, recursive } = chosen ?? { topic: `${config.pods}…`, how: 'auto', recursive: true };
    this.#line.textContent = ['podbell watch', ...this.#who(), ...(TYPES.includes(how) ? [`--type ${how}`] : []),
      ...(recursive ? ['--recursive'] : []), quoted(topic)].join(' ');
    this.#note.textContent = how === 'auto' || TYPES.includes(how) ? '' : '`podbell watch` listens by WebSocket here; it does not know this older way.';
    this.#note.hidden = !this.#note.textContent;
    const options = [
      this.#session.webid && '  fetch: session.fetch, // as whoever is signed in',
      how !== 'auto' && `  transports: ['${how}'],`,
      recursive && '  recursive: true,',
      "  onGap: () => console.log('something was missed'),",
    ].filter(Boolean);
    this.#code.textContent = [
      "import { subscribe } from '@podbell/client';",
      '',
      `const changes = subscribe('${topic.replace(/'/g, '%27')}', {`,
      ...options,
      '});',
      'for await (const { type, object } of changes) console.log(type, object);',
    ].join('\n');
  }

  /** In development the card tells of accounts by name; elsewhere one has credentials in a file. */
  #who() {
    const { webid } = this.#session;
    if (!webid) return [];
    const isHere = config.development && webid.startsWith(config.pods) && webid.endsWith('/profile/card#me');
    const [name] = isHere ? webid.slice(config.pods.length).split('/') : [];
    return /^[a-z0-9-]+$/.test(name ?? '') ? [`--as ${name}`] : ['--credentials FILE'];
  }
}

function snippet(code, name) {
  const pre = element('pre', { tabIndex: 0, role: 'region', 'aria-label': name.replace('Copy t', 'T') }, code);
  return element('div', { className: 'snippet' }, pre, copyButton('Copy', () => code.textContent, { name }));
}

/** For a shell. */
function quoted(text) {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
