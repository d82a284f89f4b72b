// Changes and deliveries per minute over the last hour: changes rise above a line, deliveries hang below it, so neither
// colour nor pattern is needed to tell them apart. A table says the same in words.
import { drawn, element } from '../element.js';
import { whileVisible } from './alive.js';
import { count, minuteOf } from './words.js';

const EVERY = 15;
const WIDTH = 240;
const HALF = 40;

/** `{ element, close() }`. Whatever is wrong is told by the other parts of the page. */
export function chartView(storage, { api }) {
  const asked = new AbortController();
  const sum = element('p', { className: 'sum' });
  const place = element('div', { className: 'plot' });
  const table = element('div', {});
  const more = element('details', {}, element('summary', {}, 'As a table'), table);
  const card = element('section', { className: 'card chart', 'aria-labelledby': 'chart-title', hidden: true },
    element('h2', { id: 'chart-title' }, 'The last hour'), sum, place, more);

  async function read() {
    try {
      const minutes = await api.traffic(storage, asked.signal);
      card.hidden = minutes.length === 0;
      sum.textContent = summary(minutes);
      place.replaceChildren(plot(minutes), axis(minutes));
      table.replaceChildren(tableOf(minutes));
    } catch {
      // The list beside it says why.
    }
  }

  void read();
  const stop = whileVisible(read, EVERY);
  return {
    element: card,
    close() {
      stop();
      asked.abort();
    },
  };
}

const total = (minutes, of) => minutes.reduce((sum, minute) => sum + minute[of], 0);
const most = (minutes, of) => Math.max(0, ...minutes.map((minute) => minute[of]));

const summary = (minutes) => `${count(total(minutes, 'changes'), 'change')}, ${count(total(minutes, 'deliveries'), 'delivery', 'deliveries')}`;

/** The drawing; what it says is told by the text above it and the table below. */
function plot(minutes) {
  const step = WIDTH / Math.max(minutes.length, 1);
  const height = (value, largest) => (value ? Math.max((value / largest) * (HALF - 2), 1.5) : 0);
  const [changes, deliveries] = [most(minutes, 'changes'), most(minutes, 'deliveries')];
  const bars = minutes.flatMap((minute, index) => {
    const told = `${minuteOf(minute.at)}: ${count(minute.changes, 'change')}, ${count(minute.deliveries, 'delivery', 'deliveries')}`;
    const [up, down] = [height(minute.changes, changes), height(minute.deliveries, deliveries)];
    const at = { x: (index * step + step * 0.15).toFixed(2), width: (step * 0.7).toFixed(2) };
    const bar = (more) => drawn('rect', { ...at, ...more });
    return drawn('g', {}, drawn('title', {}, told),
      bar({ class: 'area', y: 0, height: HALF * 2 }),
      ...(up ? [bar({ class: 'changes', y: (HALF - up).toFixed(2), height: up.toFixed(2) })] : []),
      ...(down ? [bar({ class: 'deliveries', y: HALF + 1, height: down.toFixed(2) })] : []));
  });
  return drawn('svg', {
    viewBox: `0 0 ${WIDTH} ${HALF * 2}`, preserveAspectRatio: 'none', role: 'img',
    'aria-label': `Changes and deliveries per minute: ${summary(minutes)} in the last hour; at most ${changes} and ${deliveries} in a minute`,
  }, ...bars, drawn('line', { class: 'middle', x1: 0, x2: WIDTH, y1: HALF, y2: HALF }));
}

function axis(minutes) {
  const ends = minutes.length ? [minutes[0], minutes.at(-1)].map(({ at }) => element('span', {}, minuteOf(at))) : [];
  const key = (arrow, name, of) => element('li', {}, element('span', { className: of, 'aria-hidden': 'true' }, arrow), ` ${name}, up to ${most(minutes, of).toLocaleString('en-GB')} a minute`);
  return element('div', {},
    element('div', { className: 'ends soft' }, ...ends),
    element('ul', { className: 'key soft' }, key('▲', 'Changes', 'changes'), key('▼', 'Deliveries', 'deliveries')));
}

function tableOf(minutes) {
  const busy = minutes.filter(({ changes, deliveries }) => changes || deliveries).reverse();
  if (!busy.length) return element('p', { className: 'soft' }, 'Nothing happened in the last hour.');
  const row = ({ at, changes, deliveries }) => element('tr', {},
    element('th', { scope: 'row' }, element('time', { dateTime: at.toISOString() }, minuteOf(at))),
    element('td', {}, changes.toLocaleString('en-GB')), element('td', {}, deliveries.toLocaleString('en-GB')));
  return element('div', { className: 'scrolls', tabIndex: 0, role: 'region', 'aria-label': 'Changes and deliveries per minute' },
    element('table', {},
      element('caption', { className: 'soft' }, 'Minutes that are not here had none.'),
      element('thead', {}, element('tr', {}, ...['Minute', 'Changes', 'Deliveries'].map((name) => element('th', { scope: 'col' }, name)))),
      element('tbody', {}, ...busy.map(row))));
}
