/**
 * Which ways to listen are tried, and in which order: those asked for that the server offers and this program can go.
 */
import { Ended } from './failure.js';
import { ByChannel } from './ways/channels.js';
import { ByGateway } from './ways/ess.js';
import { ByLines } from './ways/lines.js';

/** Not `solid-0.1`: it does not say what happened. */
const USUAL = ['websocket', 'eventsource', 'streaming', 'ess'];
const BY = { ess: ByGateway, 'solid-0.1': ByLines };

/**
 * The ways, the best first; throws the ending that it is if there are none.
 *
 * @param {Awaited<ReturnType<import('./discover.js').look>>} found
 * @param {{ topics: string[], options: import('./index.d.ts').Options, fetch: typeof globalThis.fetch }} what
 */
export function choose(found, what) {
  const { options, topics } = what;
  const hasSocket = Boolean(options.WebSocket ?? globalThis.WebSocket);
  const asked = options.transports ?? USUAL;
  const offered = asked.flatMap((transport) => found.services.filter((service) => service.transport === transport));
  const possible = offered.filter(({ transport }) => hasSocket || transport === 'eventsource' || transport === 'streaming');
  const exact = possible.filter((service) => suits(service, options));
  const chosen = exact.length || !options.fallback ? exact : possible;
  if (chosen.length) return chosen.map((service) => new (BY[service.transport] ?? ByChannel)(service, what));
  throw new Ended(...why({ found, topic: topics[0], offered, possible, options }));
}

/** Whether a service does what cannot be made up for here. */
function suits({ transport, features }, { recursive, activityTypes }) {
  // Its one word may mean any type.
  if (transport === 'solid-0.1' && activityTypes) return false;
  return !recursive || features.includes('recursive');
}

/** Why there is no way, for people: what a program might ask for instead (`fallback`) is in the documentation. */
function why({ found, topic, offered, possible, options }) {
  if (possible.length) {
    const missing = options.recursive ? 'tell what happens below a resource' : 'tell what has happened';
    return ['unsupported', `This server cannot ${missing} in the ways asked for.`];
  }
  if (offered.length) return ['unsupported', 'There is no WebSocket here: give the class of the package `ws` as `WebSocket`.'];
  if (found.services.length) {
    const ways = [...new Set(found.services.map(({ transport }) => transport))].join(', ');
    return ['unsupported', `The server offers other ways to listen than those asked for: ${ways}.`];
  }
  if (found.status === 401) return ['unauthorized', `Log in to listen to ${topic}: it does not show how to others.`, 401];
  if (found.status === 403) return ['unauthorized', `You may not read ${topic}; ask its owner for Read.`, 403];
  return ['unsupported', `Nothing at ${new URL(topic).host} says how to listen to ${topic}: is it a Solid server with notifications?`];
}
