// The fixed names of Linked Web Storage: `lws10-core` (2026-06-29), its notifications, and the draft on streaming.
export const CONTEXT = 'https://www.w3.org/ns/lws/v1';
export const AS_CONTEXT = 'https://www.w3.org/ns/activitystreams';
export const MEDIA_TYPE = 'application/lws+json';
export const DESCRIPTION_REL = 'https://www.w3.org/ns/lws#storageDescription';
export const TERMS = 'https://www.w3.org/ns/lws#';

export const WEBHOOK = 'WebhookSubscription';
export const WEBSOCKET = 'WebSocketSubscription';
export const EVENT_SOURCE = 'EventSourceSubscription';

/** One or several, as several. */
export const several = (value) => (value === undefined ? [] : [value].flat());

/** Fails with `what` unless `holds`. */
export function demand(holds, what, value) {
  if (!holds) throw new Error(value === undefined ? what : `${what}: ${JSON.stringify(value)}`);
}

/** Whether it is an absolute http or https URL. */
export const isUrl = (value) => typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
