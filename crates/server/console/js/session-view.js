// Who is signed in, at the top of a page; and the dialog in which one signs in.
import { config } from './config.js';
import { element } from './element.js';
import { isHere, lookUp, nameOf } from './owner/names.js';
import { SignInError } from './provider.js';

/** A WebID as one says it: without what all of them have. The whole of it belongs into a `title`. */
export function shortName(webid) {
  return webid.replace(/^https?:\/\//, '').replace(/\/profile\/card(\.ttl)?#me$/, '').replace(/\/(card)?#(me|i)$/, '');
}

/**
 * Shows the session in `at` and keeps it right. Mount it before `session.open()`, so that it hears how that went.
 * Gives `{ ask(why) }`, which opens the dialog: `why` says what it is good for.
 */
export function mountSession(session, at) {
  const problem = element('p', { className: 'notice bad', role: 'alert', hidden: true });
  const state = element('div', { className: 'session' });
  const dialog = signInDialog(session);
  at.replaceChildren(state, problem, dialog.element);

  const say = (text) => {
    problem.hidden = !text;
    problem.textContent = text ?? '';
  };
  const show = () => {
    const hadFocus = state.contains(document.activeElement);
    state.replaceChildren(...(session.webid ? signedIn(session, say) : [signIn(() => (say(), dialog.ask()))]));
    // Whoever pressed a button that is gone goes on where its successor stands.
    if (hadFocus) state.querySelector('button')?.focus();
    if (session.webid) dialog.close();
  };
  session.addEventListener('change', show);
  session.addEventListener('ended', ({ detail }) => say(detail));
  return { ask: dialog.ask };
}

function signIn(onclick) {
  return element('button', { type: 'button', className: 'main', onclick }, 'Sign in');
}

function signedIn(session, say) {
  const out = async () => {
    say();
    await session.signOut();
  };
  const { webid } = session;
  const name = element('bdi', {}, nameOf(webid) ?? shortName(webid));
  // A profile on this server tells a name; nobody else's server is asked unless a person says so.
  if (isHere(webid)) void lookUp(webid).then((found) => found && (name.textContent = found));
  return [
    element('span', { className: 'who', title: webid }, element('span', { className: 'hidden-text' }, 'Signed in as '), name),
    element('button', { type: 'button', onclick: out }, 'Sign out'),
  ];
}

function signInDialog(session) {
  const why = element('p', { className: 'soft', id: 'sign-in-why' });
  const issuer = element('input', {
    id: 'sign-in-issuer', name: 'issuer', required: true, inputMode: 'url', autocomplete: 'url', spellcheck: false,
    autocapitalize: 'none', value: config.issuer ?? '', placeholder: 'https://provider.example',
    'aria-describedby': 'sign-in-help sign-in-problem',
  });
  const problem = element('p', { className: 'notice bad', role: 'alert', id: 'sign-in-problem', hidden: true });
  const go = element('button', { className: 'main' }, 'Sign in');
  const cancel = element('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const form = element('form', { noValidate: true },
    element('h2', { id: 'sign-in-title' }, 'Sign in'),
    why,
    element('label', { for: 'sign-in-issuer' }, 'Your identity provider'),
    issuer,
    element('p', { className: 'soft', id: 'sign-in-help' },
      'Its page opens, and asks whether this console may act for you. Nothing is kept but in this browser.'),
    problem,
    element('div', { className: 'row' }, go, cancel));
  const dialog = element('dialog', { 'aria-labelledby': 'sign-in-title' }, form);

  const complain = (text) => {
    problem.hidden = !text;
    problem.textContent = text ?? '';
    issuer.setAttribute('aria-invalid', String(Boolean(text)));
    if (text) issuer.focus();
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    complain();
    const named = issuer.value.trim();
    if (!named) return complain('Which provider knows you? Its address is needed, such as https://provider.example.');
    go.disabled = true;
    go.textContent = 'Asking your provider …';
    try {
      await session.signIn(named);
    } catch (error) {
      complain(error instanceof SignInError ? error.message : `${named} does not let you sign in: ${error.message}`);
      go.disabled = false;
      go.textContent = 'Sign in';
    }
  });
  // Coming back by the browser's own button finds the dialog as it was left.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

  return {
    element: dialog,
    close: () => dialog.close(),
    ask(reason) {
      why.textContent = reason ?? '';
      why.hidden = !reason;
      complain();
      if (!dialog.open) dialog.showModal();
      issuer.focus();
      issuer.select();
    },
  };
}
