/**
 * Who is told: the callbacks, the loops, and those who wait for `ready` and `ended`.
 *
 * A callback that throws breaks nothing here; its error is thrown where the program's uncaught errors go.
 */
import { Queue } from './queue.js';

export class Listeners {
  #options;
  #queues = new Set();
  /** Holds what is told before somebody begins to read, where nobody listens by callback. */
  #first;
  #settleReady;
  #settleEnded;
  #ending;
  state = 'connecting';

  constructor(options) {
    this.#options = options;
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    // Whoever does not look at it has `onEnd` and `ended`.
    this.ready.catch(() => {});
    this.ended = new Promise((resolve) => (this.#settleEnded = resolve));
    if (!options.onNotification) this.#first = this.#queue();
  }

  enter(state) {
    if (this.state === state || this.state === 'closed') return;
    this.state = state;
    this.#call('onState', state);
    if (state === 'open') this.#settleReady.resolve();
  }

  tell(notification) {
    for (const queue of this.#queues) queue.push(notification);
    this.#call('onNotification', notification);
  }

  gap(gap) {
    this.#call('onGap', gap);
  }

  end(ending) {
    if (this.#ending) return;
    this.#ending = ending;
    this.enter('closed');
    this.#settleReady.reject(Object.assign(new Error(ending.message), ending));
    this.#call('onEnd', ending);
    this.#settleEnded(ending);
    for (const queue of this.#queues) queue.end();
  }

  iterate() {
    const queue = this.#first ?? this.#queue();
    this.#first = undefined;
    return queue;
  }

  #queue() {
    const queue = new Queue({
      lost: () => this.gap({ reason: 'too-slow' }),
      left: (queue) => this.#queues.delete(queue),
    });
    this.#queues.add(queue);
    if (this.#ending) queue.end();
    return queue;
  }

  #call(name, value) {
    try {
      this.#options[name]?.(value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
