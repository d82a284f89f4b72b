// The foot of a page: what this is, and where else to go.
import { config } from './config.js';
import { element } from './element.js';

const host = (url) => new URL(url).host;

/** `<footer>`, for the end of the body. */
export function footer() {
  const facts = [
    `Podbell ${config.version}`,
    ['Pods on ', place(config.pods)],
    config.issuer ? ['Log-in at ', place(config.issuer)] : 'No log-in of its own',
  ];
  const ways = [
    config.account && [config.account, 'Your account'],
    [config.description, 'What the pods offer'],
    config.discovery && [config.discovery, 'What the log-in offers'],
  ].filter(Boolean);
  return element('footer', {},
    element('ul', { className: 'soft' }, ...facts.map((fact) => element('li', {}, fact))),
    element('nav', { 'aria-label': 'This server' },
      element('ul', { className: 'soft' }, ...ways.map(([href, text]) => element('li', {}, element('a', { href }, text))))));
}

const place = (url) => element('bdi', { title: url }, host(url));
