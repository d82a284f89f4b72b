// Live updates of `rdflib`, unmodified, as SolidOS uses them: it reads `Updates-Via` from its own GET, opens exactly that
// URL, and says nothing but `sub`.
import rdf from 'rdflib';
import WebSocket from 'ws';
import { until } from './server.js';

const sockets = [];

/** A socket that remembers what went over it. */
export class Overheard extends WebSocket {
  constructor(url) {
    super(url);
    Object.assign(this, { said: [], heard: [] });
    this.on('message', (data) => this.heard.push(String(data)));
    this.on('error', () => undefined);
    sockets.push(this);
  }

  send(text) {
    this.said.push(text);
    super.send(text);
  }

  pubs() {
    return this.heard.filter((line) => line.startsWith('pub ')).length;
  }
}
// rdflib takes the one of the browser.
globalThis.WebSocket = Overheard;

/** The socket that was opened last. */
export const newest = () => sockets.at(-1);

/** Ends all that were opened. */
export function endSockets() {
  for (const socket of sockets.splice(0)) {
    // rdflib opens a socket again whenever it is closed.
    socket.onclose = null;
    socket.terminate();
  }
}

/** Somebody's store that follows a document; `reloads` counts how often it was loaded again because it changed. */
export async function following(session, doc) {
  const store = rdf.graph();
  const fetcher = new rdf.Fetcher(store, { fetch: session.fetch, timeout: 8_000 });
  const updater = new rdf.UpdateManager(store);
  await fetcher.load(doc);
  const follower = { store, updater, reloads: 0 };
  updater.addDownstreamChangeListener(doc, () => (follower.reloads += 1));
  follower.socket = newest();
  await until(() => follower.socket.heard.includes(`ack ${doc.value}`), `${doc.value} is acknowledged: ${follower.socket.heard}`);
  return follower;
}
