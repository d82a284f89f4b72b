/** How a connection is made. */
export type Transport = 'websocket' | 'eventsource' | 'streaming' | 'ess' | 'solid-0.1';

/** What a connection is doing: first look-up, connected, waiting to come back, ended for good. */
export type State = 'connecting' | 'open' | 'waiting' | 'closed';

/** One thing that happened. */
export interface Notification {
  /** The same for the same event, however often it is told. Absent over `solid-0.1`. */
  id?: string;
  /** `Create`, `Update`, `Delete`, `Add`, `Remove`; over `solid-0.1` always `Update`. */
  type: string;
  /** The resource that changed. */
  object: string;
  /** For `Add` and `Remove`: the container that it joined or left. */
  target?: string;
  /** The state of the resource, as its ETag says it. */
  state?: string;
  /** When. */
  published?: Date;
  /** Who did it, where the server says so. */
  actor?: string;
  /** From where one comes back to just behind this; keep it to resume after a restart. */
  cursor?: string;
  /** The message as it came: an object if it is JSON, otherwise text. */
  raw: unknown;
}

/** Something was missed, and what it was cannot be told any more; read the topics anew. */
export interface Gap {
  /** Why: the server said so, it cannot resume after a cut, or a `for await` was so slow that some was given up. */
  reason: 'told' | 'cannot-resume' | 'too-slow';
  cursor?: string;
}

/** Why a subscription ended for good. */
export interface Ending {
  reason: 'closed' | 'unauthorized' | 'gone' | 'expired' | 'refused' | 'unsupported';
  /** For people. */
  message: string;
  /** The HTTP status or WebSocket close code, if there was one. */
  code?: number;
}

export interface Options {
  /** `fetch` of a logged-in session; by default the global one, for what is public. */
  fetch?: typeof globalThis.fetch;
  /** In the order in which they are tried; by default WebSocket, then event stream, streaming, ESS. `solid-0.1` only if asked for. */
  transports?: Transport[];
  /** Everything below each topic. A server that cannot refuses (`unsupported`), unless `fallback` is set. */
  recursive?: boolean;
  /** Only these types. Filtered here where the server does not; never over `solid-0.1`, which does not tell types. */
  activityTypes?: string[];
  /** Nothing that this WebID did itself, where the server can. */
  notCausedByMe?: boolean;
  /** At most one notification in so many seconds, where the server can. */
  rate?: number;
  startAt?: Date;
  endAt?: Date;
  /** Resume from here. */
  cursor?: string;
  /** On a server without `recursive`: listen to the topic alone; over `solid-0.1`, to all types. Default false. */
  fallback?: boolean;
  /** Ends the subscription. */
  signal?: AbortSignal;
  /** For Node before 22: the class of the package `ws`. */
  WebSocket?: new (url: string, protocols?: string[]) => any;
  /** Milliseconds before the first and the longest wait to come back. Default 500 and 30,000; varied by ±50 %. */
  reconnect?: { first?: number; longest?: number };

  onNotification?(notification: Notification): void;
  onGap?(gap: Gap): void;
  onState?(state: State): void;
  onEnd?(ending: Ending): void;
}

/**
 * Listens until it is closed or ended. Also `for await (const notification of subscription)`: the loop ends with the
 * subscription, whatever the reason (see `ended`); leaving the loop does not close it. Without `onNotification`, what is
 * told before the loop begins is kept for it. At most 1,000 notifications wait for a slow loop; then a new one takes the
 * place of an older one about the same resource, and where there is none, the oldest is given up and `onGap` is told.
 */
export interface Subscription extends AsyncIterable<Notification> {
  readonly topics: string[];
  readonly state: State;
  /** How far it has heard, if the server says so. */
  readonly cursor?: string;
  readonly transport?: Transport;
  /** The channel's IRI, where the server gave one. */
  readonly channel?: string;
  /** Whether a cut is bridged without a gap. */
  readonly resumes: boolean;
  /** While it waits to come back: what went wrong, for people. */
  readonly problem?: string;
  /** While it waits to come back: when it tries again. */
  readonly retryAt?: Date;
  /** Resolves once it is connected for the first time; rejects if it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended for good. */
  readonly ended: Promise<Ending>;
  /** Ends it, and the channel at the server. */
  close(): Promise<void>;
}

/**
 * Begins to listen to one topic, or to several of one server. Never throws for what the network does; see `onEnd`, `ready`.
 * A `TypeError` says that the call itself is wrong.
 */
export function subscribe(topics: string | string[], options?: Options): Subscription;

/** A way to listen that a server offers for a resource. */
export interface Service {
  transport: Transport;
  url: string;
  /** Features by their last name, `recursive` among them where it is offered. */
  features: string[];
}

/**
 * What a server offers for a resource, by its descriptions; nothing, if it says nothing of notifications. Rejects with an
 * `Error` for people if it cannot be reached.
 */
export function discover(topic: string, options?: Pick<Options, 'fetch' | 'signal'>): Promise<{ services: Service[] }>;
