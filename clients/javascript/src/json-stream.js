/**
 * JSON documents after each other, read piece by piece: one to a line, as Podbell streams them, or with any white space,
 * or the objects of one array without an end. Where a piece ends means nothing.
 */
import { Ended } from './failure.js';
import { LONGEST } from './http.js';

/** A reader: `read(piece)` gives the text of each object that is complete with it. */
export class JsonStream {
  #rest = '';
  #at = 0;
  #depth = 0;
  #quoted = false;
  #start = -1;

  /**
   * @param {string} piece
   * @returns {string[]}
   */
  read(piece) {
    const found = [];
    this.#rest += piece;
    for (; this.#at < this.#rest.length; this.#at += 1) {
      const sign = this.#rest[this.#at];
      if (this.#quoted) {
        if (sign === '\\') this.#at += 1;
        else if (sign === '"') this.#quoted = false;
      } else if (sign === '"') {
        this.#quoted = true;
      } else if (sign === '{' || (sign === '[' && this.#start >= 0)) {
        if (this.#depth === 0) this.#start = this.#at;
        this.#depth += 1;
      } else if ((sign === '}' || sign === ']') && this.#depth > 0) {
        this.#depth -= 1;
        if (this.#depth === 0) {
          found.push(this.#rest.slice(this.#start, this.#at + 1));
          this.#start = -1;
        }
      }
    }
    this.#forget();
    return found;
  }

  /** Keeps no more than the object that has begun. */
  #forget() {
    const from = this.#start >= 0 ? this.#start : Math.min(this.#at, this.#rest.length);
    this.#rest = this.#rest.slice(from);
    this.#at -= from;
    if (this.#start >= 0) this.#start = 0;
    if (this.#rest.length > LONGEST) throw new Ended('refused', 'The server sends a message that is too long.');
  }
}
