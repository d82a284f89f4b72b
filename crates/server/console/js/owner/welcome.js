// What the page is, for whom nobody is signed in.
import { config } from '../config.js';
import { element } from '../element.js';

/** `{ element, close() }`. */
export function welcome(session, ask) {
  const why = 'To see who listens to your pods on this server.';
  const problem = element('p', { className: 'notice bad', role: 'alert', hidden: true });
  const here = config.issuer && element('button', { type: 'button', className: 'main', onclick: go }, `Sign in with ${new URL(config.issuer).host}`);
  const other = element('button', { type: 'button', className: here ? '' : 'main', onclick: () => ask(why) },
    here ? 'Another provider …' : 'Sign in …');

  async function go() {
    problem.hidden = true;
    here.disabled = true;
    try {
      await session.signIn(config.issuer);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      here.disabled = false;
    }
  }

  return {
    close() {},
    element: element('section', { className: 'card welcome', 'aria-labelledby': 'welcome-title' },
      element('h2', { id: 'welcome-title' }, 'Your pod has a doorbell. Here you see who hears it.'),
      element('p', {}, 'Apps that you and others use may be told at once whenever something in your pod changes. Sign in as the owner of a pod on ',
        element('b', {}, new URL(config.pods).host), ', and this page shows:'),
      element('ul', {},
        element('li', {}, element('b', {}, 'everybody who listens'), ': who, with which app, to what, since when, and how'),
        element('li', {}, element('b', {}, 'how deliveries fare'), ', and what could not be delivered'),
        element('li', {}, element('b', {}, 'what changed lately'), ', and who did it')),
      element('p', {}, 'You can end any of it with a button.'),
      problem,
      element('div', { className: 'row' }, here, other),
      element('p', { className: 'soft' },
        'Only to look? ', element('a', { href: '/notifications.html' }, 'Hear it ring'), ' works without signing in, with whatever is public.')),
  };
}
