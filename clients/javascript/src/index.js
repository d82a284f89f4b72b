/**
 * Live updates from Solid pods: subscribes, comes back by itself after a cut, says when something was missed.
 *
 * `index.d.ts` is the documentation of what is exported here, `../README.md` its introduction.
 */
export { discover } from './discover.js';
export { subscribe } from './subscription.js';
