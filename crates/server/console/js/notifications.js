// The page on which notifications are heard: what is chosen, what comes, something to ring, and how to do the same
// elsewhere. It speaks the public protocols alone, by `@podbell/client`.
import { Bench } from './notifications/trying.js';
import { Choice } from './notifications/choice.js';
import { Listening } from './notifications/listening.js';
import { Live } from './notifications/live.js';
import { Equivalent } from './notifications/equivalent.js';
import { ownStorage } from './notifications/storage.js';
import { footer } from './footer.js';
import { mountSession } from './session-view.js';
import { Session } from './session.js';

const at = (name) => document.querySelector(`.bench > .${name}`);
const session = new Session();
document.body.append(footer());
const view = mountSession(session, document.querySelector('#session'));

const listening = new Listening(session);
const choice = new Choice(at('choose'), session);
const live = new Live(at('live'), listening, { signIn: () => view.ask('Sign in as somebody who may read it.') });
const bench = new Bench(at('try'), session, listening);
const same = new Equivalent(at('same'), session);

/** Settled once it is known who is signed in. */
let known;
choice.addEventListener('connect', async ({ detail }) => {
  live.begin(detail.topic);
  // Whoever is quick is not heard as nobody.
  await known.catch(() => {});
  listening.begin(detail);
});
choice.addEventListener('disconnect', () => listening.end());
choice.addEventListener('change', () => same.show(choice.chosen));
bench.addEventListener('listen', ({ detail }) => {
  choice.choose(detail);
  choice.submit();
});
listening.addEventListener('state', () => choice.show(listening.isOn));

// A channel is somebody's: it goes when they go.
session.leaving.add(() => listening.isOn && listening.end('You signed out, so the channel was ended.'));
let before;
session.addEventListener('change', async () => {
  const { webid } = session;
  if (webid === before) return;
  before = webid;
  if (listening.isOn) listening.end('Somebody else is signed in now, so the channel was ended.');
  same.show(choice.chosen);
  bench.look();
  if (webid && !choice.chosen) choice.suggest(await ownStorage(session).catch(() => undefined));
});
// A tab that is closed lets go of its channel if there is time; if not, the server does within a minute.
addEventListener('pagehide', ({ persisted }) => !persisted && listening.isOn && void listening.end());

known = session.open();
await known;
same.show(choice.chosen);
