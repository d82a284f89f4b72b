// WebKitGTK's MiniBrowser, over WebDriver, which its driver speaks: <https://www.w3.org/TR/webdriver2/>.
import { once } from 'node:events';
import { freePorts, until } from '../server.js';
import { Page } from './page.js';
import { run } from './program.js';

// It chooses its own number, and says it there.
const SCREEN = ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'];

// What stands for an element in answers.
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Starts the driver, on a screen that nobody sees: `{ version(), newContext(), close() }`. */
export async function launch(executable) {
  const screen = await run('Xvfb', SCREEN, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  let program;
  const close = async () => {
    await program?.end();
    await screen.end();
  };
  try {
    const [display] = await screen.first(once(screen.child.stdio[3].setEncoding('utf8'), 'data'));
    const env = { ...process.env, DISPLAY: `:${display.trim()}`, GDK_BACKEND: 'x11' };
    // Its sandbox cannot be had as root.
    if (process.getuid?.() === 0) env.WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS = '1';
    const port = await freePorts();
    program = await run(executable, [`--port=${port}`], { stdio: 'ignore', env });
    const send = commands(`http://127.0.0.1:${port}`);
    const ready = () => send('GET', '/status').then((status) => status.ready, () => false);
    await program.first(until(ready, 'the driver of WebKit answers'));
    // It tells who it is only when it begins.
    const { version, close: end } = await session(send);
    await end();
    return { version: () => version, newContext: () => session(send), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Sends a command and gives what its answer says. */
function commands(base) {
  return async (method, path, body) => {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
}

/** A browser with cookies and storage of its own. */
async function session(send) {
  const { sessionId, capabilities } = await send('POST', '/session', { capabilities: {} });
  const at = (method, path, body) => send(method, `/session/${sessionId}${path}`, body);
  return {
    version: capabilities.browserVersion,
    newPage: async () => new Page(driver(at)),
    close: () => at('DELETE', ''),
  };
}

function driver(at) {
  const ask = (source, argument) => at('POST', '/execute/sync', { script: `return (${source})(arguments[0]);`, args: [argument] });
  const element = (found, command, body = {}) => at('POST', `/element/${found}/${command}`, body);
  return {
    goto: (url) => at('POST', '/url', { url }),
    call: ask,
    find: async (source, asked) => (await ask(source, asked))?.[ELEMENT],
    click: (found) => element(found, 'click'),
    type: (found, text) => element(found, 'value', { text }),
  };
}
