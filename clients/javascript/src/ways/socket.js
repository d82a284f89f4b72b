/**
 * A WebSocket as a promise: it resolves with nothing and rejects with how the connection ended. Who may no longer read is
 * told by 4403, or 1008 from servers that keep to registered codes; 1000 says that there is nothing more to come.
 *
 * Spec: <https://www.rfc-editor.org/rfc/rfc6455#section-7.4>
 */
import { Absent, Barred, Cut, Ended, Over } from '../failure.js';
import { LONGEST, PATIENCE, plain } from '../http.js';

/**
 * Listens until the connection ends; always rejects.
 *
 * @param {string} url
 * @param {{ WebSocket?: Function, protocol?: string, signal: AbortSignal, open(say: (text: string) => void): void, message(text: string): void }} use
 * @returns {Promise<never>}
 */
export function converse(url, { WebSocket = globalThis.WebSocket, protocol, signal, open, message }) {
  return new Promise((_, reject) => {
    let socket;
    try {
      socket = new WebSocket(url, protocol === undefined ? [] : [protocol]);
    } catch (error) {
      // From a page that was loaded by https, ws: is not allowed.
      return reject(new Absent(`no WebSocket: ${error.message}`));
    }
    let opened = false;
    const timer = setTimeout(() => end(new Barred('the WebSocket does not open')), PATIENCE);
    const stop = () => end(new Cut('closed from here'));
    const end = (how) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      for (const name of ['onopen', 'onmessage', 'onclose']) socket[name] = null;
      // Some implementations throw what nobody listens to, also after this.
      socket.onerror = () => {};
      socket.close();
      reject(how);
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop);
    socket.onopen = () => {
      opened = true;
      clearTimeout(timer);
      guard(() => open((text) => socket.send(text)));
    };
    socket.onmessage = ({ data }) => {
      // What is binary tells nothing in any of the protocols.
      if (typeof data !== 'string') return;
      if (data.length > LONGEST) end(new Ended('refused', 'The server sends a message that is too long.'));
      else guard(() => message(data));
    };
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) => end(opened ? closed(code, reason) : new Barred(`the WebSocket does not open (${code})`));
    return undefined;

    /** What is thrown by whoever hears ends the connection. */
    function guard(call) {
      try {
        call();
      } catch (error) {
        end(error);
      }
    }
  });
}

/** What a close code means. */
export function closed(code, reason) {
  const words = reason ? `: ${plain(reason)}` : '';
  if (code === 4403 || code === 1008) return new Ended('unauthorized', `The server tells no more${words || ': it may no longer be read'}.`, code);
  if (code === 1000) return new Over(`The server has closed the connection${words}.`, code);
  return new Cut(`the connection was cut (${code}${words})`);
}
