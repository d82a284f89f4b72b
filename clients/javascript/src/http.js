/**
 * Requests, and what their answers mean for whoever wants to listen: a network that fails, 429 and 5xx are for now;
 * 401 and 403 are for good. A request that is not answered in time counts as a failing network, so nobody waits for ever.
 */
import { Cut, Ended } from './failure.js';

/** How long an answer may take to begin. */
export const PATIENCE = 30_000;
/** Longer than any message or description of any server, in characters or bytes; whoever sends more is not listened to. */
export const LONGEST = 1 << 20;
/** No server makes anybody wait longer than this. */
const LONGEST_WAIT = 3_600_000;

/**
 * The answer, when its head is there. Throws `Cut` where there is none, and for 429 and 5xx. `signal` ends the request and
 * the body; without `keep`, the body too must come within `PATIENCE`. Of one that is longer than `LONGEST` nothing is told.
 *
 * @param {typeof globalThis.fetch} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {AbortSignal} [signal]
 * @param {boolean} [keep] the body goes on, and has no end in view
 */
export async function ask(fetch, url, init, signal, keep = false) {
  const control = new AbortController();
  const stop = () => control.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => control.abort(new Error('no answer in time')), PATIENCE);
  try {
    const response = await fetch(url, { cache: 'no-store', ...init, signal: control.signal });
    if (keep && response.ok) return response;
    // Read here, so that a body that never ends cannot hold anybody up.
    Object.assign(response, { read: init.method === 'HEAD' || !response.body ? '' : await whole(response) });
    if (response.status === 429 || (response.status >= 500 && response.status !== 501)) {
      throw new Cut(`${place(url)} answers ${await said(response)}`, retryAfter(response));
    }
    return response;
  } catch (error) {
    if (error instanceof Cut) throw error;
    throw new Cut(`${place(url)} cannot be reached: ${why(error)}`);
  } finally {
    clearTimeout(timer);
    if (!keep) signal?.removeEventListener('abort', stop);
  }
}

/** The text of an answer; empty if it is too long. */
async function whole(response) {
  if (!response.body.getReader) return response.text();
  const reader = response.body.getReader();
  const text = new TextDecoder();
  let read = '';
  for (let length = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return read + text.decode();
    length += value.length;
    if (length > LONGEST) {
      await reader.cancel().catch(() => {});
      return '';
    }
    read += text.decode(value, { stream: true });
  }
}

/** Where a request went, without what may be a secret in its path or query. */
const place = (url) => {
  try {
    return new URL(url).host;
  } catch {
    return 'the server';
  }
};

/** The wait that an answer asks for, in milliseconds. */
export function retryAfter(response, now = Date.now()) {
  const value = response.headers.get('retry-after');
  if (!value) return 0;
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Math.min(Math.max(wait || 0, 0), LONGEST_WAIT);
}

/** The status of an answer and what it says of itself (RFC 9457), for people. */
export async function said(response) {
  const text = response.read ?? (await response.text().catch(() => ''));
  let words;
  try {
    const body = JSON.parse(text);
    words = body.detail ?? body.title ?? body.message;
  } catch {
    // Not JSON: the status has to do.
  }
  return typeof words === 'string' ? `${response.status}, ${plain(words)}` : String(response.status);
}

/** The first of what a server says, without what is invisible, or turns the direction of what stands around it. */
export const plain = (words) => words.slice(0, 300).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');

/** The ending that a refusal is. `what` completes "may not". */
export async function refusal(response, what) {
  const { status } = response;
  if (status === 401) return new Ended('unauthorized', `Log in to ${what} (${await said(response)}).`, status);
  if (status === 403) return new Ended('unauthorized', `You may not ${what}; ask its owner for Read (${await said(response)}).`, status);
  return new Ended('refused', `The server refuses to ${what} (${await said(response)}).`, status);
}

/** Why there is no answer. Node says "fetch failed", and what matters (the name, the port, the certificate) in the cause. */
function why(error) {
  const { cause } = error ?? {};
  // What OpenSSL says of itself names its own source, and no reason.
  const said = /^ERR_SSL/.test(cause?.code) ? cause.code : cause?.message;
  const reason = said || cause?.code || error?.message || String(error);
  return String(reason).slice(0, 500);
}
