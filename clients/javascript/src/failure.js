/**
 * How listening fails: for good, for now, because the channel is no more, or because this way of listening is barred.
 * Whoever comes back must know which; everything else that is thrown is an error of this program.
 */

/** For good: nobody comes back. `reason` and `code` as in `Ending`. */
export class Ended extends Error {
  /** @param {string} reason @param {string} message @param {number} [code] */
  constructor(reason, message, code) {
    super(message);
    this.reason = reason;
    this.code = code;
  }

  /** What `onEnd` is told. */
  ending() {
    const { reason, message, code } = this;
    return code === undefined ? { reason, message } : { reason, message, code };
  }
}

/** For now: one comes back, no earlier than the server asked for (`after`, in milliseconds). */
export class Cut extends Error {
  /** @param {string} message @param {number} [after] */
  constructor(message, after = 0) {
    super(message);
    this.after = after;
  }
}

/** The connection could not be opened although the server answers: another way may get through. */
export class Barred extends Cut {}

/** The server says that the channel has come to its end; whether one may make another is asked elsewhere. */
export class Over extends Error {
  /** @param {string} message @param {number} [code] */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** The server does not know the channel, or not any more: one subscribes anew. */
export class Forgotten extends Error {}

/** The server does not listen this way after all: the next way is tried. */
export class Absent extends Error {
  /** @param {string} message @param {number} [code] */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}
