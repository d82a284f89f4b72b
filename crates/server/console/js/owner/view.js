// The whole of the page for somebody who is signed in: which storage, who listens there, what changed there.
import { config } from '../config.js';
import { element } from '../element.js';
import { OwnerApi, SignedOut, inWords } from './api.js';
import { chartView } from './chart.js';
import { listenersView } from './listeners.js';
import { timelineView } from './timeline.js';
import { tick } from './words.js';

/** `{ element, close() }`. `ask(why)` opens the dialog in which one signs in. */
export function ownerView(session, ask) {
  const asked = new AbortController();
  const host = {
    api: new OwnerApi(session.fetch),
    me: session.webid,
    by: remembered('by'),
    group: (way) => remember('by', way),
    signIn: () => ask('Your sign-in has ended.'),
  };
  const place = element('div', {});
  const head = element('div', { className: 'which' });
  const whole = element('div', {}, head, place);
  let shown = [];

  async function open() {
    place.replaceChildren(element('p', { className: 'soft loading', role: 'status' }, 'Looking for your storages …'));
    try {
      const storages = await host.api.storages(asked.signal);
      if (!storages.length) return place.replaceChildren(noStorage(session.webid));
      const asks = remembered('storage');
      choose(storages, storages.includes(asks) ? asks : storages[0]);
    } catch (error) {
      if (error.name === 'AbortError') return;
      const isOver = error instanceof SignedOut;
      place.replaceChildren(element('div', { className: 'notice bad', role: 'alert' }, element('p', {}, inWords(error)),
        element('button', { type: 'button', onclick: () => (isOver ? host.signIn() : open()) }, isOver ? 'Sign in again' : 'Try again')));
    }
  }

  function choose(storages, storage) {
    const select = element('select', { id: 'storage', onchange: () => (remember('storage', select.value), show(select.value)) },
      ...storages.map((root) => element('option', { value: root, selected: root === storage }, root)));
    head.replaceChildren(...(storages.length > 1
      ? [element('label', { for: 'storage' }, 'Storage'), select]
      : [element('p', {}, element('span', { className: 'soft' }, 'Storage '), element('bdi', {}, storage))]));
    show(storage);
  }

  function show(storage) {
    for (const part of shown) part.close();
    const [listeners, timeline, chart] = [listenersView, timelineView, chartView].map((view) => view(storage, host));
    shown = [listeners, timeline, chart];
    place.replaceChildren(element('div', { className: 'parts' },
      listeners.element, element('div', { className: 'side' }, chart.element, timeline.element)));
  }

  void open();
  const ticking = setInterval(() => document.hidden || tick(whole), 5_000);
  return {
    element: whole,
    close() {
      clearInterval(ticking);
      asked.abort();
      for (const part of shown) part.close();
    },
  };
}

function noStorage(webid) {
  const { host } = new URL(config.pods);
  return element('section', { className: 'card welcome', 'aria-labelledby': 'none-title' },
    element('h2', { id: 'none-title' }, `You own no storage on ${host}`),
    element('p', {}, 'You are signed in as ', element('bdi', {}, webid), '. This page shows who listens to the storages of one server, ',
      element('b', {}, host), ', and to their owner alone.'),
    element('ul', {},
      element('li', {}, 'If you have a pod here under another WebID, sign out and sign in with that.'),
      element('li', {}, 'If your pod is on another server, its listeners are known there and nowhere else.'),
      element('li', {}, 'To listen to what you may read here, whosever it is, go to ', element('a', { href: '/notifications.html' }, 'Hear it ring'), '.')));
}

/** What was chosen stands in the address, so that it can be kept and comes back after signing in. */
const remembered = (name) => new URL(location.href).searchParams.get(name);

function remember(name, value) {
  const url = new URL(location.href);
  url.searchParams.set(name, value);
  history.replaceState(null, '', url);
}
