/**
 * What a description of a storage or a resource says about ways to listen.
 *
 * Spec: <https://solidproject.org/TR/notifications-protocol#description-resource-data-model>
 */
import { NOTIFY, PODBELL, SOLID, expand, first, prefixes, short, text, values } from './terms.js';

/** Types of channels that are spoken here. */
const TRANSPORTS = {
  WebSocketChannel2023: 'websocket',
  EventSourceChannel2023: 'eventsource',
  StreamingHTTPChannel2023: 'streaming',
};

/**
 * The services that a JSON-LD description names. Limits: see `terms.js`.
 *
 * @param {unknown} document
 * @param {string} base what relative IRIs are relative to
 * @returns {import('./index.d.ts').Service[]}
 */
export function services(document, base) {
  const { nodes, known } = gather(document, base);
  const found = [];
  const add = (transport, url, features) => {
    if (url && !found.some((one) => one.transport === transport && one.url === url)) found.push({ transport, url, features });
  };
  const all = (node, term, namespace) => values(node, term, namespace, known);
  for (const node of [...nodes.values()]) {
    for (const value of all(node, 'subscription', NOTIFY)) {
      const url = absolute(text(value), base);
      const service = nodes.get(url) ?? {};
      // A description may do no more than name its services; the protocol's paths say their type.
      const type = all(service, 'channelType', NOTIFY).map(text).map(name)[0] ?? /\/(\w+Channel2023)\/?$/.exec(url ?? '')?.[1];
      const features = all(service, 'feature', NOTIFY).map(text).map(name).filter(Boolean);
      if (Object.hasOwn(TRANSPORTS, type ?? '')) add(TRANSPORTS[type], url, features);
    }
  }
  for (const node of nodes.values()) {
    const gateway = first(node, 'notificationGateway', SOLID, known) ?? first(node, 'notificationGatewayEndpoint', 'http://inrupt.com/ns/ess#', known);
    add('ess', absolute(gateway, base), []);
  }
  return found;

  function name(value) {
    // Drafts have printed these namespaces in singular, too.
    const iri = value && expand(value, known).replace(/^https?:\/\/www\.w3\.org\/ns\/solid\/notifications?#/, NOTIFY);
    return iri && short(iri, NOTIFY, PODBELL);
  }
}

/** The nodes of a document by their IRI, each with all that is said of it anywhere; and its prefixes. */
function gather(document, base) {
  const nodes = new Map();
  let known = prefixes(undefined);
  const visit = (value, depth) => {
    if (!value || typeof value !== 'object' || depth > 16) return;
    if (Array.isArray(value)) return value.forEach((one) => visit(one, depth + 1));
    known = { ...known, ...prefixes(value['@context']) };
    const id = absolute(value.id ?? value['@id'], base) ?? `_:${nodes.size}`;
    const node = nodes.get(id) ?? {};
    for (const [key, more] of Object.entries(value)) {
      if (key === '@context') continue;
      // Said in two places: both hold.
      if (Object.hasOwn(node, key)) node[key] = [node[key], more].flat();
      else Object.defineProperty(node, key, { value: more, enumerable: true, writable: true, configurable: true });
      visit(more, depth + 1);
    }
    nodes.set(id, node);
  };
  visit(document, 0);
  return { nodes, known };
}

function absolute(iri, base) {
  try {
    return typeof iri === 'string' ? new URL(iri, base).href : undefined;
  } catch {
    return undefined;
  }
}
