/**
 * Event streams, read piece by piece; where a piece ends means nothing.
 *
 * Spec: <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>
 */

/** Longer than any event of any server; whoever sends more is not listened to. */
const LONGEST = 16 * 1024 * 1024;

/** A reader: `read(piece)` gives the events that are complete with it. */
export class EventStream {
  #rest = '';
  #event = '';
  #data = [];
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
    if (this.#rest.length > LONGEST) throw new Error('an event is too long');
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line) {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) return void (this.comments += 1);
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (field === 'data') this.#data.push(value ?? '');
    if (field === 'event') this.#event = value ?? '';
    if (field === 'id' && !value?.includes('\0')) this.id = value ?? '';
    return undefined;
  }

  #dispatch() {
    const [event, data] = [this.#event || 'message', this.#data];
    [this.#event, this.#data] = ['', []];
    return data.length ? { event, data: data.join('\n'), id: this.id } : undefined;
  }
}
