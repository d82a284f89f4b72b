/**
 * Event streams, read piece by piece; where a piece ends means nothing.
 *
 * Spec: <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>
 */
import { Ended } from './failure.js';
import { LONGEST } from './http.js';

/** A reader: `read(piece)` gives the events that are complete with it. */
export class EventStream {
  #rest = '';
  #event = '';
  #data = [];
  #length = 0;
  #began = false;
  /** The `id` that was told last, `''` if none. */
  id = '';
  /** How many comments were told: the heartbeats of a stream. */
  comments = 0;

  /**
   * @param {string} piece
   * @returns {{ event: string, data: string, id: string }[]}
   */
  read(piece) {
    let text = this.#rest + piece;
    if (!this.#began && text) {
      this.#began = true;
      text = text.replace(/^\uFEFF/, '');
    }
    // A carriage return at the end may be the first half of a line's end.
    const end = text.endsWith('\r') ? text.length - 1 : text.length;
    const lines = text.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + text.slice(end);
    const events = lines.flatMap((line) => this.#line(line) ?? []);
    if (this.#rest.length + this.#length > LONGEST) throw new Ended('refused', 'The server sends an event that is too long.');
    return events;
  }

  #line(line) {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) return void (this.comments += 1);
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (field === 'data') {
      this.#data.push(value ?? '');
      this.#length += (value?.length ?? 0) + 1;
    }
    if (field === 'event') this.#event = value ?? '';
    if (field === 'id' && !value?.includes('\0')) this.id = value ?? '';
    return undefined;
  }

  #dispatch() {
    const [event, data] = [this.#event || 'message', this.#data];
    [this.#event, this.#data, this.#length] = ['', [], 0];
    return data.length ? { event, data: data.join('\n'), id: this.id } : undefined;
  }
}
