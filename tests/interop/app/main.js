// A small app of its own origin: the unmodified browser packages, driven from outside through `window.app`.
import sockets from './sockets.js';
import { createContainerInContainer, deleteContainer, getPodUrlAll, getSourceIri } from '@inrupt/solid-client';
import { EVENTS, Session } from '@inrupt/solid-client-authn-browser';
import * as on2 from '@inrupt/solid-client-notifications';
import * as on3 from 'solid-client-notifications-on-3';

const { WebsocketNotification } = on2;

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
  sockets,
  info: () => session.info,
  login: (options) => session.login({ ...options, redirectUrl: new URL('/', window.location.href).href }),
  logout: (options) => session.logout(options),
  fetch: async (url, init) => read(await session.fetch(url, init)),
  anonymous: async (url, init) => read(await window.fetch(url, init)),
  /** The target of a link, as the header shows it on another site. */
  async linked(url, rel) {
    const link = (await session.fetch(url, { method: 'HEAD' })).headers.get('link');
    return link.split(', ').find((piece) => piece.endsWith(`; rel="${rel}"`)).slice(1, -`>; rel="${rel}"`.length);
  },
  /** Follows an answer that goes on; what comes is put together in `streamed`. */
  async follow(url, headers) {
    const answer = await session.fetch(url, { headers });
    if (!answer.ok) return answer.status;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return (window.app.ended = true);
        window.app.streamed += value;
      }
    })();
    return answer.status;
  },
  streamed: '',
  /** What the client of ESS shows to an app, over one version of `@inrupt/solid-client` or the other. */
  async ess(version, topic) {
    const { WebsocketNotification } = { on2, on3 }[version];
    const client = new WebsocketNotification(topic, { fetch: session.fetch });
    const said = { events: [], heard: [] };
    for (const event of ['connected', 'closed', 'error']) client.on(event, () => said.events.push(event));
    client.on('message', (message) => said.heard.push(message));
    window.app.listener = Object.assign(client, said);
    await client.connect();
  },
  pod: async () => (await getPodUrlAll(session.info.webId, { fetch: session.fetch }))[0],
  createContainer: async (parent) => getSourceIri(await createContainerInContainer(parent, { fetch: session.fetch })),
  deleteContainer: (url) => deleteContainer(url, { fetch: session.fetch }),
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
