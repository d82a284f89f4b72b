// What an owner asks the pods' server, and what it answers. Nothing of a session goes anywhere else.
//
// docs/extensions.md, "Looking after channels", "What happened lately".
import { config } from '../config.js';
import { listenerFrom } from './listener.js';

/** The sign-in is over, or never was. */
export class SignedOut extends Error {}

/** The server said no; `status` says how. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The server did not answer. */
class Away extends Error {}

const PUBLIC = 'http://xmlns.com/foaf/0.1/Agent';
const below = new URL('.notifications/', config.pods).href;

/** The owner's side of one server, asked with somebody's `fetch`. */
export class OwnerApi {
  #fetch;

  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** The roots of the storages that they own. */
  async storages(signal) {
    const { storage } = await this.#read(`${below}storages/`, signal);
    return list(storage).map((one) => one.id ?? one).filter((root) => /^https?:/.test(root));
  }

  /** A page of what listens: `{ entries, next, isCut }`; `isCut`: some are on no page. */
  async listeners(storage, next, signal) {
    const { channel, next: more, 'urn:podbell:terms#more': isCut } = await this.#read(next ?? asked('channels/', { storage }), signal);
    return { entries: list(channel).map((entry) => listenerFrom(entry, storage)), next: more, isCut: isCut === true };
  }

  /** Ends one; false if it had ended already, which looks like that of a stranger. */
  async end(listener) {
    return (await this.#ask('DELETE', listener.id, undefined, [403, 404, 410])).ok;
  }

  /** Ends all of a person, or of an app, or of a person with an app: how many, and whether there are more. */
  async endAll(storage, { person, app }) {
    const filter = { storage };
    if (person !== undefined) filter.subscriber = person ?? PUBLIC;
    if (app !== undefined) filter.client = app ?? '';
    let ended = 0;
    // One answer does bounded work; so does this.
    for (let turn = 0; turn < 100; turn += 1) {
      const told = await json(await this.#ask('DELETE', asked('channels/', filter)));
      ended += Number(told.ended) || 0;
      if (!told.more || !told.ended) break;
    }
    return ended;
  }

  /** A page of what a pushing one was given up on. */
  async deadLetters(listener, next, signal) {
    const { deadLetter, next: more } = await this.#read(next ?? `${listener.id}/dead-letters`, signal);
    return { letters: list(deadLetter), next: more };
  }

  /** How the last deliveries went, the newest first. */
  async attempts(listener, signal) {
    return list((await this.#read(`${listener.id}/attempts`, signal)).attempt);
  }

  /** Has dead letters delivered again: `'all'` or their numbers. How many there were. */
  async redeliver(listener, deadLetters) {
    const answer = await this.#ask('POST', `${listener.id}/redeliver`, JSON.stringify({ deadLetters }));
    return Number((await json(answer)).redelivered) || 0;
  }

  /** A page of what changed, the newest first. It may be empty and have a next. */
  async activity(storage, next, signal) {
    const { activity, next: more } = await this.#read(next ?? asked('activity/', { storage, limit: 50 }), signal);
    return { changes: list(activity), next: more };
  }

  /** The last hour, minute by minute, the oldest first. */
  async traffic(storage, signal) {
    const { minutes } = await this.#read(asked('traffic/', { storage }), signal);
    return list(minutes).map(({ at, changes, deliveries }) => ({
      at: new Date(at),
      changes: Number(changes) || 0,
      deliveries: Number(deliveries) || 0,
    }));
  }

  async #read(url, signal) {
    const answer = await this.#ask('GET', url, undefined, [], signal);
    return { ...(await json(answer)), next: nextOf(answer) };
  }

  async #ask(method, url, body, fine = [], signal) {
    // What a list says is where to ask is no reason to show a token to anybody else.
    if (!new URL(url).href.startsWith(below)) throw new Refused(0, `${url} is not below ${below}`);
    const headers = { accept: 'application/ld+json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    let answer;
    try {
      answer = await this.#fetch(url, { method, headers, body, signal, cache: 'no-store', redirect: 'error' });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new Away(`${new URL(below).host} does not answer.`);
    }
    if (answer.ok || fine.includes(answer.status)) return answer;
    if (answer.status === 401) throw new SignedOut('The sign-in has ended.');
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, String(problem.detail ?? problem.title ?? `It answered ${answer.status}.`));
  }
}

/** What a person reads of an error. */
export function inWords(error) {
  if (error instanceof SignedOut) return 'Your sign-in has ended. Please sign in again.';
  if (error instanceof Away) return `${error.message} It may be restarting, or this device is offline.`;
  if (error.status === 403) return 'This is for the owner of the storage alone.';
  if (error.status === 429) return `That was too often: ${error.message}. Please wait a moment.`;
  return `The server said no: ${error.message}`;
}

const asked = (path, query) => `${below}${path}?${new URLSearchParams(query)}`;

const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);

async function json(answer) {
  const read = await answer.json().catch(() => undefined);
  if (read === null || typeof read !== 'object') throw new Refused(answer.status, 'Its answer is no JSON.');
  return read;
}

/** Where the next page is. */
function nextOf(answer) {
  const found = /<([^>]*)>\s*;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '');
  return found ? new URL(found[1], answer.url).href : undefined;
}
