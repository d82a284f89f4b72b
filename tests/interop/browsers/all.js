// The browsers that people have, by the engines: Chromium, which `./test` installs, and the others where they are.
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as chromium from '../browser.js';
import * as firefox from './firefox.js';
import * as webkit from './webkit.js';

/** The first of these programs on the path. */
function found(...names) {
  const folders = process.env.PATH.split(path.delimiter);
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => existsSync(file));
}

const FIREFOX = process.env.FIREFOX ?? found('firefox-esr', 'firefox');
const WEBKIT = process.env.WEBKIT_DRIVER ?? (found('Xvfb') && found('WebKitWebDriver'));

/** `{ name, launch(), missing }`; `missing` says why it is not run. Whoever names a browser by its variable has it. */
export const BROWSERS = [
  { name: 'Chromium', launch: chromium.launch, missing: false },
  { name: 'Firefox', launch: () => firefox.launch(FIREFOX), missing: !FIREFOX && 'not run: no Firefox is installed' },
  { name: 'WebKit', launch: () => webkit.launch(WEBKIT), missing: !WEBKIT && 'not run: no WebKitWebDriver with Xvfb is installed' },
];
