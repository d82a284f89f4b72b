/**
 * An answer that goes on, as a promise that rejects with how it ended. `fetch` rather than `EventSource`: that one can send
 * no credentials, tells no status, and Node has none.
 */
import { Absent, Cut, Forgotten, Over } from '../failure.js';
import { ask, refusal, said } from '../http.js';

/** A stream that beats is dead after so long without a beat; servers beat every 15 to 30 seconds. */
const SILENCE = 90_000;

/**
 * Listens until the stream ends; always rejects.
 *
 * @param {string} url
 * @param {{ fetch: typeof globalThis.fetch, headers: Record<string, string>, type: RegExp, signal: AbortSignal, open(): void, piece(text: string): boolean }} use
 *   `piece` says whether the stream beats
 * @returns {Promise<never>}
 */
export async function follow(url, { fetch, headers, type, signal, open, piece }) {
  const answer = await ask(fetch, url, { headers }, signal, true);
  if (!answer.ok || answer.status === 204) throw await refused(answer);
  if (!type.test(answer.headers.get('content-type') ?? '') || !answer.body) {
    await answer.body?.cancel();
    throw new Absent(`the server streams ${answer.headers.get('content-type')}, which is not understood here`);
  }
  open();
  const reader = answer.body.getReader();
  const text = new TextDecoder();
  let timer;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw new Cut(`the stream was cut: ${error?.message ?? error}`);
      });
      if (done) throw new Cut('the stream has ended');
      const beats = piece(text.decode(value, { stream: true }));
      clearTimeout(timer);
      if (beats) timer = setTimeout(() => void reader.cancel().catch(() => {}), SILENCE);
    }
  } finally {
    clearTimeout(timer);
    await reader.cancel().catch(() => {});
  }
}

/** What an answer means that is no stream. */
async function refused(answer) {
  const { status } = answer;
  if (status === 204 || status === 410) return new Over(`The channel has ended (${status}).`, status);
  if (status === 404) return new Forgotten(`The server does not know the channel (${await said(answer)}).`);
  if (status === 401 || status === 403) return refusal(answer, 'listen any longer');
  return status >= 400 && status < 500 ? refusal(answer, 'tell what happens') : new Cut(`the server answers ${await said(answer)}`);
}
