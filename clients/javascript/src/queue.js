/**
 * What waits for a `for await` that is slower than what happens.
 *
 * At most `room` notifications wait. When there is no more room, the new one takes the place of an older one about the same
 * resource: a notification says *that* something changed, so the older has nothing left to tell. Where there is none, the
 * oldest is given up, and that is a gap.
 */
export class Queue {
  #waiting = [];
  #asking = [];
  #ended = false;
  #lost;
  #left;

  /** @param {{ room?: number, lost(): void, left(queue: Queue): void }} use `lost`: one was given up; `left`: nobody reads */
  constructor({ room = 1000, lost, left }) {
    this.room = room;
    this.#lost = lost;
    this.#left = left;
  }

  push(notification) {
    const asked = this.#asking.shift();
    if (asked) return asked({ value: notification, done: false });
    if (this.#waiting.length >= this.room) {
      const same = this.#waiting.findIndex(({ object }) => object === notification.object);
      this.#waiting.splice(Math.max(same, 0), 1);
      if (same < 0) this.#lost();
    }
    this.#waiting.push(notification);
    return undefined;
  }

  /** What waits is still given. */
  end() {
    this.#ended = true;
    for (const asked of this.#asking.splice(0)) asked({ value: undefined, done: true });
  }

  next() {
    if (this.#waiting.length) return Promise.resolve({ value: this.#waiting.shift(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#asking.push(resolve));
  }

  /** The loop was left. */
  return() {
    this.#waiting = [];
    this.end();
    this.#left(this);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}
