// A page as SolidOS makes them: its own log-in, its own store, its own chat, driven from outside through `window.app`.
import * as rdf from 'rdflib';
import { authn, authSession, store } from 'solid-logic';
import { infiniteMessageArea } from 'solid-ui';

const { lit, Namespace, st } = rdf;
// `solid-ui` finds it there, as in SolidOS.
window.$rdf = rdf;
const name = Namespace('http://vocab.example/#')('name');
const reloads = {};

window.app = {
  reloads,
  me: () => authn.currentUser()?.value,
  login: ({ oidcIssuer }) => authSession.login(oidcIssuer, new URL('/', window.location.href).href),
  /** Loads a document, and counts in `reloads` how often it was loaded again because it changed. */
  async follow(url) {
    const doc = store.sym(url);
    await store.fetcher.load(doc);
    reloads[url] = 0;
    store.updater.addDownstreamChangeListener(doc, () => (reloads[url] += 1));
  },
  name: (url) => store.anyValue(store.sym(url), name, null, store.sym(url)),
  rename(url, to) {
    const doc = store.sym(url);
    return store.updater.update(store.statementsMatching(doc, name, null, doc).slice(), [st(doc, name, lit(to), doc)]);
  },
  /** Shows the chat of that channel. */
  async chat(channel) {
    await store.fetcher.load(channel);
    document.body.append(await infiniteMessageArea(document, store, store.sym(channel), {}));
  },
};
authn.checkUser().then(
  () => (window.app.ready = true),
  (error) => Object.assign(window.app, { ready: true, failed: String(error) }),
);
