/**
 * What was told already, so that coming back tells nothing twice: the newest thousand. A cursor leads back to just behind
 * what was heard, so no more than that overlaps.
 */
/** Keys that are longer are no server's that means well, and are not kept. */
const LONGEST = 4096;

export class Seen {
  #keys = new Set();

  constructor(room = 1000) {
    this.room = room;
  }

  /** Whether it is new; from then on it is not. */
  admit({ id, type, object, target }) {
    if (id === undefined) return true;
    // Some servers make ids of a topic and the time, which two changes may share.
    const key = JSON.stringify([id, type, object, target]);
    if (this.#keys.has(key)) return false;
    if (key.length > LONGEST) return true;
    this.#keys.add(key);
    if (this.#keys.size > this.room) this.#keys.delete(this.#keys.values().next().value);
    return true;
  }
}
