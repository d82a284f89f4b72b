// Entries of the list: what was heard, what was missed, and what became of the connection.
import { element } from '../element.js';
import { copyButton } from './copying.js';
import { dateOf, readable, relative, said, timeOf } from './words.js';

/** A notification. What it says in full is made when somebody looks. */
export function entry(notification, topic, now) {
  const { type, object, target, published, raw } = notification;
  const at = published instanceof Date && !Number.isNaN(published.getTime()) ? published : now;
  const [mark, word, kind] = said(type);
  const text = typeof raw === 'string' ? raw : JSON.stringify(raw, null, 2);
  const details = element('details', {},
    element('summary', {},
      element('span', { className: `mark ${kind}`, 'aria-hidden': 'true' }, mark),
      element('span', { className: 'word' }, word),
      element('bdi', { className: 'object', title: readable(object) }, relative(object, topic)),
      target && element('span', { className: 'soft' }, type === 'Remove' ? ' from ' : ' to ', element('bdi', { title: readable(target) }, relative(target, topic))),
      time(at)));
  details.addEventListener('toggle', () => {
    if (!details.open || details.querySelector('pre')) return;
    details.append(
      element('pre', { tabIndex: 0, role: 'region', 'aria-label': 'The message as it came' }, text),
      copyButton('Copy', () => text, { name: 'Copy this message' }));
  });
  const item = element('li', {}, details);
  item.dataset.words = `${word} ${type} ${readable(object)}`.toLowerCase();
  return item;
}

/** Something was missed here. */
export function gapEntry({ reason }, now) {
  const why = {
    told: 'The server says that some of what happened is forgotten.',
    'too-slow': 'More came than could be shown.',
  }[reason] ?? 'This server cannot tell what happened while nobody was connected.';
  return element('li', { className: 'gap' },
    element('span', { className: 'mark gap', 'aria-hidden': 'true' }, '⋯'),
    element('span', { className: 'word' }, 'Gap'),
    element('span', { className: 'object' }, `${why} Look at the folder anew.`), time(now));
}

/** The connection went, or came back. */
export function note(words, now) {
  return element('li', { className: 'note' }, element('span', { className: 'object' }, words), time(now));
}

function time(at) {
  return element('time', { dateTime: at.toISOString(), title: dateOf(at) }, timeOf(at));
}
