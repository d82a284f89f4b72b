// Firefox, over WebDriver BiDi, which it speaks itself: <https://w3c.github.io/webdriver-bidi/>.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';
import { Page } from './page.js';
import { run } from './program.js';

/** Starts it without a window, on a profile of its own: `{ version(), newContext(), close() }`. */
export async function launch(executable) {
  const profile = await mkdtemp(path.join(tmpdir(), 'podbell-firefox-'));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  let program;
  const close = async () => {
    await program?.end('SIGKILL');
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    program = await run(executable, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const socket = new WebSocket(`${await program.first(listening(program.child.stderr))}/session`);
    await once(socket, 'open');
    const send = commands(socket);
    const { capabilities } = await send('session.new', { capabilities: {} });
    return {
      version: () => capabilities.browserVersion,
      newContext: () => context(send),
      async close() {
        // It may go before it has answered.
        await send('browser.close', {}).catch(() => {});
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where it listens, as it says itself. */
function listening(stderr) {
  return new Promise((resolve) => {
    createInterface(stderr).on('line', (line) => {
      const at = /^WebDriver BiDi listening on (ws:.*)$/.exec(line)?.[1];
      if (at) resolve(at);
    });
  });
}

/** Sends a command and waits for its answer. */
function commands(socket) {
  const waiting = new Map();
  let last = 0;
  socket.on('message', (data) => {
    const { id, type, result, error, message } = JSON.parse(data);
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (type === 'success') resolve?.(result);
    else reject?.(new Error(`${error}: ${message}`));
  });
  socket.on('close', () => waiting.forEach(({ reject }) => reject(new Error('Firefox is gone'))));
  return (method, params) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params }));
    });
}

/** Cookies and storage of its own. */
async function context(send) {
  const { userContext } = await send('browser.createUserContext', {});
  return {
    async newPage() {
      const { context } = await send('browsingContext.create', { type: 'tab', userContext });
      return new Page(driver(send, context));
    },
    close: () => send('browser.removeUserContext', { userContext }),
  };
}

function driver(send, context) {
  const ask = async (functionDeclaration, argument) => {
    const answer = await send('script.callFunction', {
      functionDeclaration,
      arguments: [{ type: 'string', value: JSON.stringify(argument) }],
      awaitPromise: true,
      target: { context },
    });
    if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text);
    return answer.result;
  };
  const perform = (...actions) => send('input.performActions', { context, actions });
  const click = (element) =>
    perform({
      type: 'pointer',
      id: 'mouse',
      actions: [
        { type: 'pointerMove', x: 0, y: 0, origin: { type: 'element', element } },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ],
    });
  return {
    goto: (url) => send('browsingContext.navigate', { context, url, wait: 'complete' }),
    call: async (source, text) => (await ask(`(text) => (${source})(JSON.parse(text))`, text)).value,
    async find(source, asked) {
      const { sharedId } = await ask(`(text) => (${source})(JSON.parse(text))`, asked);
      return sharedId && { sharedId };
    },
    click,
    async type(element, text) {
      await click(element);
      const keys = [...text].flatMap((value) => [{ type: 'keyDown', value }, { type: 'keyUp', value }]);
      await perform({ type: 'key', id: 'keyboard', actions: keys });
    },
  };
}
