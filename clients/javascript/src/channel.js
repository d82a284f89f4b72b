/**
 * A notification channel: asked for, asked about, prolonged and ended, as the server's subscription service and, where it
 * has more to say, Podbell has it (docs/extensions.md, "Looking after channels").
 */
import { doubtful, isService, leads } from './elsewhere.js';
import { Absent, Ended } from './failure.js';
import { ask, refusal, said } from './http.js';
import { AS, NOTIFY, PODBELL } from './terms.js';

/** The one that every server knows; the other is newer. */
const CONTEXT = ['https://www.w3.org/ns/solid/notification/v1'];
const JSON_LD = { Accept: 'application/ld+json', 'Content-Type': 'application/ld+json' };
export const TYPES = { websocket: 'WebSocketChannel2023', eventsource: 'EventSourceChannel2023', streaming: 'StreamingHTTPChannel2023' };

export class Channel {
  /** @param {{ id?: string, receiveFrom: string, endAt?: string }} answer @param {typeof globalThis.fetch} fetch */
  constructor(answer, fetch, now = Date.now()) {
    this.fetch = fetch;
    this.id = typeof answer.id === 'string' && /^https?:/.test(answer.id) ? answer.id : undefined;
    this.receiveFrom = answer.receiveFrom;
    this.endsAt = Date.parse(answer.endAt) || undefined;
    this.life = this.endsAt && this.endsAt - now;
    /** Whether anybody ever heard anything at it. */
    this.opened = false;
  }

  /** When it has to be prolonged: a fifth of its life before its end. */
  get renewAt() {
    return this.id && this.life > 0 ? this.endsAt - this.life / 5 : undefined;
  }

  /** Whether it has come to its end by now, give or take what clocks differ by. */
  isOver(now = Date.now()) {
    return this.endsAt !== undefined && now > this.endsAt - Math.min(5_000, this.life / 5);
  }

  /** What its server says of it: `alive`, `ended`, or `unknown`, which is also what a server says that does not tell. */
  async state(signal) {
    if (!this.id) return 'unknown';
    const answer = await ask(this.fetch, this.id, { headers: { Accept: 'application/ld+json' } }, signal);
    return answer.ok ? 'alive' : answer.status === 410 ? 'ended' : 'unknown';
  }

  /** Asks for as long a life as it was given; whether that was granted. */
  async renew(signal) {
    const body = JSON.stringify({ '@context': CONTEXT, endAt: new Date(Date.now() + this.life).toISOString() });
    const answer = await ask(this.fetch, this.id, { method: 'POST', headers: JSON_LD, body }, signal);
    const endsAt = answer.ok && Date.parse(parsed(answer.read)?.endAt);
    if (!endsAt || endsAt <= this.endsAt) return false;
    this.endsAt = endsAt;
    return true;
  }

  /** Ends it at the server; what that answers no longer matters. */
  async end() {
    // `keepalive`: this is also asked for by pages that are being left.
    if (this.id) await ask(this.fetch, this.id, { method: 'DELETE', keepalive: true }).catch(() => {});
  }
}

/**
 * Asks a service for a channel on the topics, with those of the wanted features that it offers.
 *
 * @param {import('./index.d.ts').Service} service
 * @param {string[]} topics
 * @param {import('./index.d.ts').Options} options
 */
export async function subscribe(service, topics, options, fetch, signal) {
  leads(service.url, topics[0]);
  await isService(service.url, topics[0], { fetch, signal, isDoubtful: doubtful.has(service) });
  const body = JSON.stringify({
    '@context': CONTEXT,
    // In full: some servers take no other spelling.
    type: NOTIFY + TYPES[service.transport],
    topic: topics.length === 1 ? topics[0] : topics,
    ...features(service, options),
  });
  const answer = await ask(fetch, service.url, { method: 'POST', headers: JSON_LD, body }, signal);
  if (answer.ok) {
    const channel = parsed(answer.read);
    const receiveFrom = leads(channel?.receiveFrom, service.url);
    return new Channel({ ...channel, receiveFrom, id: own(channel.id, service.url) }, fetch);
  }
  if ([404, 405, 410, 501].includes(answer.status)) {
    throw new Absent(`${service.url} answers ${await said(answer)}`, answer.status);
  }
  const ending = await refusal(answer, topics.length === 1 ? `listen to ${topics[0]}` : 'listen to these topics');
  if (topics.length > 1 && answer.status === 422) {
    throw new Ended('unsupported', `${ending.message} Perhaps it takes one topic at a time: subscribe to each.`, 422);
  }
  throw ending;
}

/** What is asked for beside the topics: nothing that the service does not offer. */
export function features(service, options) {
  const { recursive, activityTypes, notCausedByMe, rate, startAt, endAt } = options;
  const wanted = {
    startAt: startAt && [`startAt`, startAt.toISOString()],
    endAt: endAt && [`endAt`, endAt.toISOString()],
    rate: rate > 0 && ['rate', `PT${rate}S`],
    accept: service.transport === 'streaming' && ['accept', 'application/ld+json'],
    recursive: recursive && [`${PODBELL}recursive`, true],
    notCausedByMe: notCausedByMe && [`${PODBELL}notCausedByMe`, true],
    activityType: activityTypes && [`${NOTIFY}activityType`, activityTypes.map((type) => ({ '@id': type.includes(':') ? type : AS + type }))],
    // An event stream has its own place for it.
    cursor: service.transport !== 'eventsource' && [`${PODBELL}cursor`, true],
  };
  return Object.fromEntries(service.features.map((name) => Object.hasOwn(wanted, name) && wanted[name]).filter(Boolean));
}

/**
 * The channel's IRI, if it is on the origin of its service. Elsewhere it may be anything, somebody's document even, and
 * `end` would delete that in the name of whoever listens.
 */
function own(id, service) {
  return typeof id === 'string' && URL.canParse(id) && new URL(id).origin === new URL(service).origin ? id : undefined;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
