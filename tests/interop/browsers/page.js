// A page in a browser that is driven over a WebDriver protocol, with as much of Playwright's page as the steps of the
// tests take: so that one description of them does for every browser.
import { until } from '../server.js';

/** The elements that a role or a label of Playwright's names here, by the text that a person reads. */
const FIND = `([kind, name]) => {
  const read = (element) => element.textContent.trim();
  const found = kind === 'label'
    ? [...document.querySelectorAll('label')].filter((label) => read(label) === name).map((label) => label.control)
    : [...document.querySelectorAll({ button: 'button', heading: 'h1, h2, h3' }[kind])].filter((element) => read(element) === name);
  if (found.length > 1) throw new Error(found.length + ' times ' + kind + ' ' + name);
  const [element] = found;
  if (!element?.checkVisibility() || element.disabled) return null;
  element.scrollIntoView({ block: 'center', behavior: 'instant' });
  return element;
}`;

/** Calls the function in the page with what is written in JSON, and gives what comes of it in JSON too. */
const CALL = (source) => `(text) => Promise.resolve(text).then((text) => (${source})(JSON.parse(text))).then(
  (value) => JSON.stringify({ value }),
  (error) => JSON.stringify({ error: String(error) }),
)`;

/**
 * A page on what a protocol has: `goto(url)`; `call(source, text)`, which calls a function in the page with a string and
 * waits for the string that it gives; `find(source, asked)`, the same for an element or nothing; `click(element)`;
 * `type(element, text)`.
 */
export class Page {
  #driver;
  #seconds = 30;

  constructor(driver) {
    this.#driver = driver;
  }

  setDefaultTimeout(milliseconds) {
    this.#seconds = milliseconds / 1000;
  }

  goto(url) {
    return this.#driver.goto(url);
  }

  async evaluate(what, argument = null) {
    const { value, error } = JSON.parse(await this.#driver.call(CALL(what), JSON.stringify(argument)));
    if (error) throw new Error(error);
    return value;
  }

  waitForFunction(what, argument) {
    return this.#until(() => this.evaluate(what, argument), String(what));
  }

  waitForURL(matches) {
    return this.#until(async () => matches(new URL(await this.evaluate(() => window.location.href))), 'the address');
  }

  getByRole(role, { name }) {
    return this.#locator(role, name);
  }

  getByLabel(name) {
    return this.#locator('label', name);
  }

  #locator(kind, name) {
    const found = () => this.#until(() => this.#driver.find(FIND, [kind, name]), `${kind} ${name}`);
    return {
      waitFor: async () => void (await found()),
      click: async () => this.#driver.click(await found()),
      fill: async (text) => this.#driver.type(await found(), text),
    };
  }

  /** Whoever asks a page that is just going gets an error: it is asked again. */
  async #until(condition, what) {
    let last;
    try {
      return await until(() => condition().catch((error) => void (last = error)), what, this.#seconds);
    } catch (error) {
      throw new Error(error.message, { cause: last });
    }
  }
}
