/**
 * A subscription: looks for a way to listen, listens, comes back after each cut to just behind what it has heard, and
 * tells plainly where that cannot be.
 *
 * The rules: nobody hears anything twice; whatever may have been missed is told as a gap, in its place; who is refused does
 * not come again.
 */
import { choose } from './choose.js';
import { look } from './discover.js';
import { Absent, Barred, Cut, Ended } from './failure.js';
import { Listeners } from './listeners.js';
import { read } from './message.js';
import { optionsOf, topicsOf } from './options.js';
import { Seen } from './seen.js';
import { at, delay, pause, watch } from './wait.js';

/** A connection that held so long ends a row of failures. */
const STEADY = 10_000;
/** So often a way may fail to open, before the next one is tried. */
const BARS = 2;

/** As `index.d.ts` says. */
export function subscribe(topics, options) {
  return new Subscription(topicsOf(topics), optionsOf(options));
}

class Subscription {
  #options;
  #fetch;
  #listeners;
  #seen = new Seen();
  /** Aborted by `close`. */
  #control = new AbortController();
  /** Aborted when waiting, or a connection, is to end early. */
  #nudge = new AbortController();
  #ways = [];
  #way;
  #cursor;
  #attempts = 0;
  #bars = 0;
  #openedAt;
  #everOpen = false;
  #channel;
  #problem;
  #retryAt;
  /** Whether the server asked for the wait. */
  #asked = false;
  #done;

  constructor(topics, options) {
    this.topics = topics;
    this.#options = options;
    // Called by itself: a browser's `fetch` insists on that.
    this.#fetch = (...request) => (options.fetch ?? globalThis.fetch)(...request);
    this.#cursor = options.cursor;
    this.#listeners = new Listeners(options);
    this.ready = this.#listeners.ready;
    this.ended = this.#listeners.ended;
    this.#done = this.#run();
  }

  get state() {
    return this.#listeners.state;
  }

  get cursor() {
    return this.#cursor;
  }

  get transport() {
    return this.#way?.service.transport;
  }

  get channel() {
    return this.#channel;
  }

  get resumes() {
    return Boolean(this.#way?.resumes && this.#cursor !== undefined);
  }

  get problem() {
    return this.#problem;
  }

  get retryAt() {
    return this.#retryAt;
  }

  async close() {
    this.#control.abort();
    await this.#done;
  }

  [Symbol.asyncIterator]() {
    return this.#listeners.iterate();
  }

  /** The life of it; never rejects. */
  async #run() {
    const { signal, endAt } = this.#options;
    const stop = () => this.#control.abort();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    let expired = false;
    const timer = endAt
      ? at(endAt.valueOf(), () => {
          expired = true;
          stop();
        })
      : () => {};
    const unwatch = watch({ back: () => this.#back(), seen: () => this.#back(false) });
    const ending = await this.#live().catch((error) => error);
    unwatch();
    timer();
    signal?.removeEventListener('abort', stop);
    // Also for what ended otherwise: timers and requests of this subscription end here.
    stop();
    // What the server has ended is not to be ended again.
    if (!(ending instanceof Ended) || ending.reason === 'refused') await this.#way?.close();
    if (expired) this.#listeners.end({ reason: 'expired', message: 'The time asked for is over.' });
    else if (ending instanceof Ended) this.#listeners.end(ending.ending());
    else if (ending) {
      this.#listeners.end({ reason: 'refused', message: `A mistake in the client: ${ending.message}` });
      throwLater(ending);
    } else this.#listeners.end({ reason: 'closed', message: 'Closed from here.' });
  }

  /** Listens, comes back, and listens again; ends when closed, throws when ended otherwise. */
  async #live() {
    const { signal } = this.#control;
    while (!signal.aborted) {
      const failure = await this.#once().catch((error) => error);
      if (signal.aborted) return;
      if (failure instanceof Absent) this.#next(failure);
      else if (!(failure instanceof Cut)) throw failure;
      else if (failure instanceof Barred && !this.#everOpen && (this.#bars += 1) >= BARS && this.#ways.length > 1) this.#next(failure);
      await this.#wait(failure);
    }
  }

  /** One connection, to its end. */
  async #once() {
    this.#nudge = new AbortController();
    this.#openedAt = undefined;
    const { signal: nudged } = this.#nudge;
    const { signal } = this.#control;
    const stop = () => this.#nudge.abort();
    signal.addEventListener('abort', stop, { once: true });
    const hear = {
      subscribed: (channel) => (this.#channel = channel),
      open: ({ resumed }) => this.#open(resumed),
      message: (text, id) => this.#message(text, id),
      told: (notification) => this.#tell(notification),
    };
    try {
      if (!this.#ways.length) await this.#look(nudged);
      this.#way ??= this.#ways[0];
      await this.#way.listen({ cursor: this.#cursor, hear, signal: nudged });
      throw new Cut('the connection has ended');
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #look(signal) {
    const found = await look(this.topics[0], this.#fetch, signal);
    this.#ways = this.#choose(found);
    // From here on: so nothing is missed between this answer and the connection. A cursor is good for one storage.
    if (this.#cursor !== undefined || found.cursor === undefined) return;
    const others = await Promise.all(this.topics.slice(1).map((topic) => look(topic, this.#fetch, signal)));
    if (others.every(({ description }) => description === found.description)) this.#cursor = found.cursor;
  }

  /** A server that could once, and cannot now, is being set up anew perhaps. */
  #choose(found) {
    try {
      return choose(found, { topics: this.topics, options: this.#options, fetch: this.#fetch });
    } catch (error) {
      throw this.#everOpen && error.reason === 'unsupported' ? new Cut(error.message) : error;
    }
  }

  /** Leaves the way that is barred. When none is left, nothing more is to be had; of a server that could once, later. */
  #next(failure) {
    void this.#way?.close();
    this.#bars = 0;
    this.#channel = undefined;
    if (failure instanceof Absent) this.#ways.shift();
    else this.#ways.push(this.#ways.shift());
    this.#way = undefined;
    if (!this.#ways.length && !this.#everOpen) {
      throw new Ended('unsupported', `No way to listen is left: ${failure.message}.`, failure.code);
    }
  }

  async #wait(failure) {
    if (this.#openedAt !== undefined && Date.now() - this.#openedAt > STEADY) this.#attempts = 0;
    this.#asked = failure.after > 0;
    const wait = Math.max(failure.after ?? 0, delay(this.#attempts, this.#options.reconnect));
    this.#attempts += 1;
    this.#problem = failure.message;
    this.#retryAt = new Date(Date.now() + wait);
    this.#listeners.enter('waiting');
    this.#nudge = new AbortController();
    await pause(wait, this.#control.signal, this.#nudge.signal);
    this.#retryAt = undefined;
  }

  /** Comes back at once, also from a connection that may be dead; never earlier than the server asked for. */
  #back(also = true) {
    if (this.#retryAt ? this.#asked : !also) return;
    this.#attempts = 0;
    this.#nudge.abort();
  }

  #open(resumed) {
    // It was there before, or another life of this program was: what happened meanwhile is told by nobody.
    const missed = !resumed && (this.#everOpen || this.#options.cursor !== undefined);
    this.#everOpen = true;
    this.#openedAt = Date.now();
    this.#problem = undefined;
    this.#listeners.enter('open');
    if (missed) this.#listeners.gap({ reason: 'cannot-resume' });
  }

  /** Whether it was a message of the protocol. */
  #message(text, id) {
    const found = read(text, id);
    if (found?.removed) throw new Ended(found.removed, 'The server has ended the channel.');
    if (found?.gap) {
      this.#cursor = found.gap.cursor ?? this.#cursor;
      this.#listeners.gap(found.gap);
    } else if (found) this.#tell(found.notification);
    return found !== undefined;
  }

  #tell(notification) {
    this.#cursor = notification.cursor ?? this.#cursor;
    if (!this.#seen.admit(notification)) return;
    const { activityTypes } = this.#options;
    if (activityTypes && !this.#way.filters && !activityTypes.some((type) => type.split(/[#:/]/).at(-1) === notification.type)) return;
    this.#listeners.tell(notification);
  }
}

/** What nobody foresaw is not swallowed. */
const throwLater = (error) => queueMicrotask(() => {
  throw error;
});
