/**
 * Listening by a channel of the Solid Notifications Protocol: a WebSocket, an event stream or a stream of JSON at the
 * address that the subscription service gave. A channel outlives its connections: it is come back to with a cursor, and
 * made anew only if it is no more although nobody ended it.
 *
 * Spec: <https://solidproject.org/TR/notifications-protocol>
 */
import { subscribe } from '../channel.js';
import { headOf } from '../discover.js';
import { fetchAt } from '../elsewhere.js';
import { EventStream } from '../event-stream.js';
import { Barred, Cut, Ended, Forgotten, Over } from '../failure.js';
import { JsonStream } from '../json-stream.js';
import { at } from '../wait.js';
import { converse } from './socket.js';
import { follow } from './stream.js';

/** A connection that held so long was one. */
const MOMENT = 5_000;

export class ByChannel {
  /** @param {import('../index.d.ts').Service} service @param {{ topics: string[], options: object, fetch: Function }} what */
  constructor(service, { topics, options, fetch }) {
    Object.assign(this, { service, topics, options, fetch });
    /** Whether a cursor leads back to where one was. */
    this.resumes = service.features.includes('cursor');
    this.filters = service.features.includes('activityType');
    /** @type {import('../channel.js').Channel | undefined} */
    this.channel = undefined;
  }

  /** Listens until the connection ends; always rejects. */
  async listen({ cursor, hear, signal }) {
    this.channel ??= await this.#subscribe(signal);
    hear.subscribed(this.channel.id);
    const { channel } = this;
    const prolong = this.options.endAt ? () => {} : this.#prolong(channel, signal);
    // Some servers open a socket just to say that they know no such channel, and close it.
    let doubtful = false;
    let moment;
    const open = () => {
      channel.opened = true;
      doubtful = true;
      moment = setTimeout(() => (doubtful = false), MOMENT);
      hear.open({ resumed: this.resumes && cursor !== undefined });
    };
    const message = (text, id) => {
      if (hear.message(text, id)) doubtful = false;
    };
    try {
      await this.#connect(this.#address(cursor), { open, message, signal });
    } catch (error) {
      throw signal.aborted ? error : await this.#conclude(error, doubtful, signal);
    } finally {
      clearTimeout(moment);
      prolong();
    }
  }

  /** Ends the channel. */
  async close() {
    const { channel } = this;
    this.channel = undefined;
    await channel?.end();
  }

  async #subscribe(signal) {
    // Without the signal: a channel that is being made must be known, to be ended.
    const channel = await subscribe(this.service, this.topics, this.options, this.fetch);
    if (signal.aborted) {
      await channel.end();
      throw new Cut('closed from here');
    }
    return channel;
  }

  #address(cursor) {
    if (!this.resumes || cursor === undefined) return this.channel.receiveFrom;
    const url = new URL(this.channel.receiveFrom);
    url.searchParams.set('since', cursor);
    return url.href;
  }

  #connect(url, { open, message, signal }) {
    if (this.service.transport === 'websocket') {
      return converse(url, { WebSocket: this.options.WebSocket, signal, open, message });
    }
    const fetch = fetchAt(url, this.service.url, this.fetch);
    if (this.service.transport === 'streaming') {
      const documents = new JsonStream();
      const piece = (text) => void documents.read(text).forEach((document) => message(document));
      return follow(url, { fetch, headers: { Accept: 'application/ld+json' }, type: /\bjson\b/i, signal, open, piece });
    }
    const events = new EventStream();
    const piece = (text) => {
      for (const { data, id } of events.read(text)) message(data, this.resumes && id ? id : undefined);
      return events.comments > 0;
    };
    return follow(url, { fetch, headers: { Accept: 'text/event-stream' }, type: /^text\/event-stream\b/i, signal, open, piece });
  }

  /** Keeps a channel alive that was to last; where that is refused, another is made when it has ended. */
  #prolong(channel, signal) {
    let off = () => {};
    const next = () => {
      if (channel.renewAt !== undefined) off = at(channel.renewAt, renew);
    };
    const renew = async () => {
      const granted = await channel.renew(signal).catch(() => undefined);
      if (granted && !signal.aborted) next();
      // Not answered at all: once more, as long as there is time.
      else if (granted === undefined && !signal.aborted && !channel.isOver()) off = at(Date.now() + channel.life / 50, renew);
    };
    next();
    return () => off();
  }

  /** What the end of a connection means for the channel. */
  async #conclude(error, doubtful, signal) {
    const { channel } = this;
    if (error instanceof Forgotten) return this.#anew(error);
    if (error instanceof Over) return this.#over(error, signal);
    // A WebSocket that does not open, or not for long, says nothing of why: not even whether the channel is still there.
    if (!(error instanceof Barred || (doubtful && error instanceof Cut))) return error;
    const state = await channel.state(signal).catch((cut) => cut);
    if (state instanceof Error) return state;
    if (state === 'alive') return error;
    return state === 'ended' ? this.#over(new Over('The channel has ended.', 410), signal) : this.#anew(error);
  }

  /** The channel is no more, and nobody has ended it. */
  #anew(error) {
    const { channel } = this;
    this.channel = undefined;
    void channel.end();
    return error instanceof Cut ? error : new Cut(error.message);
  }

  /** It has ended: since its time was over, since the topic may not be read any more, or by its owner's will. */
  async #over(over, signal) {
    const { channel, options } = this;
    if (options.endAt && Date.now() > options.endAt.valueOf() - 5_000) return new Ended('expired', 'The time asked for is over.', over.code);
    // One that nobody ever connected to ends soon: that was nobody's will.
    if (channel.isOver() || !channel.opened) return this.#anew(over);
    const heads = await Promise.all(this.topics.map((topic) => headOf(topic, this.fetch, signal))).catch((cut) => cut);
    if (heads instanceof Error) return heads;
    const refused = heads.filter(({ status }) => status === 401 || status === 403);
    if (refused.length === heads.length) return new Ended('unauthorized', `It may no longer be read (${refused[0].status}).`, over.code);
    return new Ended('gone', 'The channel was ended at the server.', over.code);
  }
}
