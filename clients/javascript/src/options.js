/**
 * What `subscribe` was asked for, looked at before anything goes over the network: mistakes of the program that calls are
 * thrown at once, as `TypeError`.
 */
const TRANSPORTS = ['websocket', 'eventsource', 'streaming', 'ess', 'solid-0.1'];

/** The topics, absolute and without fragments, each once. */
export function topicsOf(given) {
  const topics = [given].flat().map((topic) => {
    const url = addressOf(topic);
    if (!/^https?:$/.test(url?.protocol)) throw new TypeError(`a topic is an http(s) URL, not ${topic}`);
    url.hash = '';
    return url.href;
  });
  if (!topics.length) throw new TypeError('there is no topic to listen to');
  return [...new Set(topics)];
}

/** In a page addresses may be relative; yet what is missing by mistake must not become one. */
function addressOf(topic) {
  if (typeof topic !== 'string' && !(topic instanceof URL)) return undefined;
  try {
    return new URL(topic, globalThis.location?.href);
  } catch {
    return undefined;
  }
}

/** The options, found to be in order. */
export function optionsOf(given = {}) {
  for (const transport of given.transports ?? []) {
    if (!TRANSPORTS.includes(transport)) throw new TypeError(`no transport: ${transport}; there are ${TRANSPORTS.join(', ')}`);
  }
  for (const name of ['fetch', 'WebSocket', 'onNotification', 'onGap', 'onState', 'onEnd']) {
    if (given[name] !== undefined && typeof given[name] !== 'function') throw new TypeError(`${name} is a function`);
  }
  for (const name of ['startAt', 'endAt']) {
    if (given[name] !== undefined && Number.isNaN(given[name]?.valueOf?.() ?? NaN)) throw new TypeError(`${name} is a Date`);
  }
  if (given.rate !== undefined && !(given.rate >= 0 && given.rate < Infinity)) throw new TypeError('rate is a number of seconds');
  return { ...given };
}
