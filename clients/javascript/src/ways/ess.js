/**
 * Listening as Inrupt's Enterprise Solid Server has it: the gateway names an endpoint, the endpoint a socket for one topic.
 * The whole flow is gone through on every connection, and nothing leads back to what was missed.
 */
import { doubtful, isService, leads } from '../elsewhere.js';
import { Absent, Cut, Ended, Over } from '../failure.js';
import { ask, refusal, said } from '../http.js';
import { converse } from './socket.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };

export class ByGateway {
  /** @param {import('../index.d.ts').Service} service @param {{ topics: string[], options: object, fetch: Function }} what */
  constructor(service, { topics, options, fetch }) {
    Object.assign(this, { service, topics, options, fetch });
    this.resumes = false;
    this.filters = false;
  }

  /** Listens until one of the connections ends; always rejects. */
  async listen({ hear, signal }) {
    const [topic] = this.topics;
    const gateway = leads(this.service.url, topic);
    const asking = { fetch: this.fetch, signal, isDoubtful: doubtful.has(this.service) };
    await isService(gateway, topic, asking);
    const endpoint = leads((await this.#post(gateway, { protocols: ['ws'], features: [] }, signal)).endpoint, gateway);
    await isService(endpoint, topic, asking);
    const { rate } = this.options;
    const sockets = await Promise.all(this.topics.map((topic) => this.#post(endpoint, { topic, ...(rate > 0 && { rate }) }, signal)));
    // A cut of one is a cut of all: what was missed on one cannot be told either way.
    const all = new AbortController();
    const stop = () => all.abort();
    signal.addEventListener('abort', stop);
    let closed = sockets.length;
    const open = () => {
      closed -= 1;
      if (closed === 0) hear.open({ resumed: false });
    };
    try {
      if (signal.aborted) stop();
      await Promise.all(
        sockets.map(({ endpoint: socket, subprotocol }) =>
          converse(leads(socket, endpoint), {
            WebSocket: this.options.WebSocket,
            protocol: subprotocol || undefined,
            signal: all.signal,
            open,
            message: (text) => hear.message(text),
          }),
        ),
      );
    } catch (error) {
      throw meant(error);
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  }

  /** There is nothing to end but the connections. */
  async close() {}

  async #post(url, body, signal) {
    const answer = await ask(this.fetch, url, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) }, signal);
    if ([404, 405, 410, 501].includes(answer.status)) throw new Absent(`${url} answers ${await said(answer)}`, answer.status);
    if (!answer.ok) throw await refusal(answer, body.topic ? `listen to ${body.topic}` : 'listen by its gateway');
    try {
      return JSON.parse(answer.read) ?? {};
    } catch {
      throw new Absent(`${url} does not answer in JSON`);
    }
  }
}

/** Servers close sockets of a certain age with 1000, so that alone says nothing; Podbell says what it means. */
function meant(error) {
  if (!(error instanceof Over)) return error;
  return /deleted/.test(error.message) ? new Ended('gone', 'The connection was ended at the server.', error.code) : new Cut(error.message);
}
