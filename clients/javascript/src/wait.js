/**
 * Waiting to come back: longer each time, varied so that many do not come back at once, and over at once where the browser
 * says that the network is back or the page is looked at again.
 */

/** Before the next attempt, in milliseconds: doubled each time up to the longest, then varied by ±50 %. */
export function delay(attempt, { first = 500, longest = 30_000 } = {}, random = Math.random) {
  return Math.min(longest, first * 2 ** Math.min(attempt, 30)) * (0.5 + random());
}

/** Resolves after so many milliseconds, or as soon as one of the signals is aborted. */
export function pause(milliseconds, ...signals) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    for (const signal of signals) {
      if (signal.aborted) return done();
      signal.addEventListener('abort', done, { once: true });
    }
    function done() {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    }
    return undefined;
  });
}

/** Longer than timers can be set. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Calls at a time, however far ahead it is; gives what calls it off. */
export function at(time, call) {
  let timer;
  const set = () => {
    const left = time - Date.now();
    timer = left > LONGEST_TIMER ? setTimeout(set, LONGEST_TIMER) : setTimeout(call, Math.max(0, left));
  };
  set();
  return () => clearTimeout(timer);
}

/**
 * What the browser says of the network: `back()` when it is online after it was not, `seen()` when the page is looked at
 * again. A browser cannot see the pings of a WebSocket, so a connection from before `back` may be dead without a word.
 * Gives what stops it; elsewhere than in browsers nothing is said.
 */
export function watch({ back, seen }, scope = globalThis) {
  let offline = false;
  const left = () => (offline = true);
  const online = () => {
    if (offline) back();
    offline = false;
  };
  const shown = () => scope.document?.visibilityState === 'visible' && seen();
  scope.addEventListener?.('offline', left);
  scope.addEventListener?.('online', online);
  scope.document?.addEventListener?.('visibilitychange', shown);
  return () => {
    scope.removeEventListener?.('offline', left);
    scope.removeEventListener?.('online', online);
    scope.document?.removeEventListener?.('visibilitychange', shown);
  };
}
