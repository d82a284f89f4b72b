// Keeps something fresh while somebody looks. Asking again is chosen over listening here: a page that listens would stand
// in its own list, and count among its own deliveries.

/** Whoever pays for each byte is asked for less of them. */
const isFrugal = () => Boolean(navigator.connection?.saveData) || matchMedia('(prefers-reduced-data: reduce)').matches;
const FRUGAL = 12;

/** Runs `task` every so many seconds while the page is visible, never twice at once; gives what stops it. */
export function whileVisible(task, seconds) {
  let timer;
  let running = false;
  let stopped = false;
  const wait = () => {
    clearTimeout(timer);
    if (!stopped && !document.hidden) timer = setTimeout(run, seconds * 1000 * (isFrugal() ? FRUGAL : 1));
  };
  const run = async () => {
    if (running || stopped || document.hidden) return;
    running = true;
    await task();
    running = false;
    wait();
  };
  document.addEventListener('visibilitychange', run);
  wait();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', run);
  };
}
