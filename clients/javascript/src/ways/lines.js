/**
 * The lines of `solid-0.1`, for servers that have nothing newer: `sub` is answered with `ack` or `err`, and `pub` says that
 * something about a resource changed, not what. The URL of the socket is read anew from `Updates-Via` each time, since it
 * may speak for whoever asked, and not for ever.
 *
 * Spec: <https://github.com/solid/solid-spec/blob/main/api-websockets.md>
 */
import { look } from '../discover.js';
import { Absent, Cut, Ended } from '../failure.js';
import { plain } from '../http.js';
import { converse } from './socket.js';

export class ByLines {
  /** @param {import('../index.d.ts').Service} service @param {{ topics: string[], options: object, fetch: Function }} what */
  constructor(service, { topics, options, fetch }) {
    Object.assign(this, { service, topics, options, fetch });
    this.resumes = false;
    // What happened is not told, so there is nothing to filter by.
    this.filters = true;
    this.url = service.url;
  }

  /** Listens until the connection ends; always rejects. */
  async listen({ hear, signal }) {
    const { url } = this;
    // The one that was just discovered will do once.
    this.url = undefined;
    const address = url ?? (await this.#address(signal));
    const talk = conversation(this.topics, hear);
    return converse(address, {
      WebSocket: this.options.WebSocket,
      protocol: 'solid-0.1',
      signal,
      open: (say) => this.topics.forEach((topic) => say(`sub ${topic}`)),
      message: (line) => talk(line),
    });
  }

  /** There is nothing to end but the connection. */
  async close() {}

  async #address(signal) {
    const { services } = await look(this.topics[0], this.fetch, signal);
    const found = services.find(({ transport }) => transport === 'solid-0.1');
    if (!found) throw new Absent('the server names no WebSocket in Updates-Via any more');
    return found.url;
  }
}

/**
 * What the server says, line by line. It is open when every topic was answered and one was acknowledged; it is over when
 * none is left. Spellings differ: some servers acknowledge in their own.
 */
export function conversation(topics, hear) {
  const same = (uri) => topics.find((topic) => topic === uri || spelt(topic) === spelt(uri));
  const acknowledged = new Set();
  const refused = new Set();
  let opened = false;
  return (line) => {
    const [, word, rest = ''] = /^(\S*)\s*(.*)$/s.exec(line.trim());
    const uri = rest.split(/\s/)[0];
    const topic = same(uri);
    if (word === 'pub' && uri) return void hear.told({ type: 'Update', object: topic ?? uri, raw: line });
    if (word === 'ack' && topic) {
      acknowledged.add(topic);
      refused.delete(topic);
    } else if ((word === 'err' || word === 'removed') && topic) {
      acknowledged.delete(topic);
      refused.add(topic);
      if (refused.size === topics.length) throw ending(word, line);
    } else if (word === 'error' && acknowledged.size === 0) {
      throw new Cut(`the server says: ${plain(line)}`);
    }
    if (!opened && acknowledged.size && acknowledged.size + refused.size === topics.length) {
      opened = true;
      hear.open({ resumed: false });
    }
    return undefined;
  };
}

const ending = (word, line) =>
  word === 'removed'
    ? new Ended('gone', `The subscription was ended at the server (${plain(line)}).`)
    : new Ended('unauthorized', `The server does not tell, or tells no more (${plain(line)}).`);

function spelt(uri) {
  try {
    return new URL(uri).href;
  } catch {
    return uri;
  }
}
