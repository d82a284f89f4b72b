/**
 * What a message says, in whichever of the protocols it came: the Solid Notifications Protocol compacted or expanded, and
 * ESS, where the state stands inside the object.
 *
 * Spec: <https://solidproject.org/TR/notifications-protocol#notification-message-data-model>
 */
import { AS, NOTIFY, PODBELL, first, short, text, types, values } from './terms.js';

const ETAG = 'http://www.w3.org/2011/http-headers#';
/** What becomes of a channel, in the words of an `Ending`. */
const REASONS = { unauthorized: 'unauthorized', expired: 'expired' };

/**
 * Reads a message: `{ notification }`, `{ gap }`, `{ removed }`, or `undefined` if it is none of these.
 *
 * @param {string} message as it came
 * @param {string} [id] the place that the event stream gave it
 */
export function read(message, id) {
  try {
    return meant(JSON.parse(message), id);
  } catch {
    // No JSON, or so deep that nobody can follow.
    return undefined;
  }
}

function meant(raw, id) {
  // Expanded documents are lists of nodes.
  const nodes = Array.isArray(raw) ? raw : [raw];
  const node = nodes.find((node) => node && typeof node === 'object' && types(node).length);
  if (!node) return undefined;
  const cursor = first(node, 'cursor', PODBELL) ?? id;
  const kinds = types(node);
  if (kinds.includes(`${PODBELL}Gap`)) return { gap: { reason: 'told', ...(cursor && { cursor }) } };
  if (kinds.includes(`${PODBELL}Removed`)) return { removed: REASONS[first(node, 'reason', PODBELL)] ?? 'gone' };
  return told(node, kinds, cursor, raw);
}

/** A notification with all that the message says, and nothing else. */
function told(node, kinds, cursor, raw) {
  const [subject] = values(node, 'object', AS);
  const object = subject === undefined ? undefined : text(subject);
  // ESS names two: what it is in general first.
  const type = kinds.map((kind) => short(kind, AS, 'as:')).findLast((kind) => !kind.includes(':'));
  if (!object || !type) return undefined;
  const inside = typeof subject === 'object' ? subject : {};
  const published = new Date(first(node, 'published', AS) ?? NaN);
  const notification = {
    id: [node.id, node['@id']].find((name) => typeof name === 'string'),
    type,
    object,
    target: first(node, 'target', AS),
    state: first(node, 'state', NOTIFY) ?? first(inside, 'state', NOTIFY) ?? first(inside, 'etag', ETAG),
    published: Number.isNaN(published.valueOf()) ? undefined : published,
    actor: first(node, 'actor', AS),
    cursor,
    raw,
  };
  return { notification: Object.fromEntries(Object.entries(notification).filter(([, value]) => value !== undefined)) };
}
