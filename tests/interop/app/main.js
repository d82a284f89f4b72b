// A small app of its own origin: the unmodified browser packages, driven from outside through `window.app`.
import { EVENTS, Session } from '@inrupt/solid-client-authn-browser';
import { WebsocketNotification } from '@inrupt/solid-client-notifications';

const session = new Session();
const heard = [];
const events = [];
session.events.on(EVENTS.ERROR, (error, description) => events.push({ error, description }));
for (const name of [EVENTS.LOGIN, EVENTS.LOGOUT, EVENTS.SESSION_RESTORED, EVENTS.SESSION_EXTENDED]) {
  session.events.on(name, () => events.push({ event: name }));
}

/** What the driver gets of an answer. */
async function read(response) {
  return { status: response.status, text: await response.text() };
}

window.app = {
  heard,
  events,
  info: () => session.info,
  login: (options) => session.login({ ...options, redirectUrl: new URL('/', window.location.href).href }),
  logout: (options) => session.logout(options),
  fetch: async (url, init) => read(await session.fetch(url, init)),
  anonymous: async (url, init) => read(await window.fetch(url, init)),
  async listen(topic) {
    const notification = new WebsocketNotification(topic, { fetch: session.fetch });
    notification.on('message', (message) => heard.push(message));
    const connected = new Promise((resolve, reject) => notification.on('connected', resolve).on('error', reject));
    await notification.connect();
    await connected;
  },
};
// Arriving: with a code, with an error, or with nothing. `?restore` asks for the session of before.
const restorePreviousSession = new URL(window.location.href).searchParams.has('restore') || !!window.sessionStorage.restoring;
window.sessionStorage.restoring = restorePreviousSession ? 'yes' : '';
session.handleIncomingRedirect({ restorePreviousSession }).then(
  () => (window.app.ready = true),
  (error) => Object.assign(window.app, { ready: true, failed: String(error) }),
);
