// One subscription at a time: what was asked for, how it stands, and what was heard. Nothing here draws.
import { subscribe } from '/client/index.js';

/** `state` is dispatched when anything about it changes; `heard`, `gap`, `cut`, `back` with what the list shows. */
export class Listening extends EventTarget {
  /** `idle`, `connecting`, `open`, `waiting` or `closed`. */
  state = 'idle';
  /** When it came to be so. */
  since = new Date();
  /** Why it ended. */
  ending = undefined;
  /** Whether it was connected at all. */
  was = false;
  /** What was asked for: `{ topic, how, recursive }`. */
  asked = undefined;
  #session;
  #subscription;
  #turn;

  constructor(session) {
    super();
    this.#session = session;
  }

  get isOn() {
    return ['connecting', 'open', 'waiting'].includes(this.state);
  }

  /** The subscription as it stands. */
  get facts() {
    const { cursor, transport, channel, resumes, problem, retryAt } = this.#subscription ?? {};
    return { cursor, transport, channel, resumes, problem, retryAt };
  }

  get webid() {
    return this.#session.webid;
  }

  begin(asked) {
    this.#subscription?.close().catch(() => {});
    this.asked = asked;
    this.was = false;
    this.ending = undefined;
    this.#become('connecting');
    // What an older subscription still says is nobody's any more.
    const turn = (this.#turn = {});
    const mine = (act) => (value) => this.#turn === turn && act(value);
    this.#subscription = subscribe(asked.topic, {
      fetch: this.#session.fetch,
      transports: asked.how === 'auto' ? undefined : [asked.how],
      recursive: asked.recursive,
      onNotification: mine((heard) => this.#tell('heard', heard)),
      onGap: mine((gap) => this.#tell('gap', gap)),
      onState: mine((state) => this.#move(state)),
      onEnd: mine((ending) => this.#over(ending)),
    });
    // It tells the same by `onEnd`.
    this.#subscription.ready.catch(() => {});
  }

  /** Ends it, and the channel at the server; waits for that no longer than a person would. */
  async end(message) {
    const subscription = this.#subscription;
    if (!subscription || !this.isOn) return;
    this.#turn = undefined;
    const gone = Promise.race([subscription.close(), new Promise((done) => setTimeout(done, 3000))]).catch(() => {});
    this.#over({ reason: 'closed', message: message ?? '' });
    await gone;
  }

  #move(state) {
    if (state === 'closed' || state === this.state) return;
    const wasCut = this.state === 'waiting' || (this.was && this.state === 'connecting');
    if (state === 'open') {
      if (wasCut && this.was) this.#tell('back', { resumes: this.facts.resumes });
      this.was = true;
    } else if (this.state === 'open') {
      this.#tell('cut', {});
    }
    // Between a cut and the next connection it is one wait for whoever looks, however often it tries.
    if (state === 'connecting' && this.was) return;
    this.#become(state);
  }

  #over(ending) {
    if (!this.isOn) return;
    this.ending = ending;
    this.#become('closed');
  }

  #become(state) {
    this.state = state;
    this.since = new Date();
    this.#tell('state');
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
