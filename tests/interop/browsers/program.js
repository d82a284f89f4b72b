// A program that a browser is made of: started, and ended by its own id.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts it: `{ child, first(promise), end(signal) }`. Throws if there is no such program. */
export async function run(name, args, options) {
  const child = spawn(name, args, options);
  const exited = once(child, 'exit');
  await Promise.race([once(child, 'spawn'), exited]);
  return {
    child,
    /** What comes of the promise, unless the program ends before. */
    first: (promise) =>
      Promise.race([
        promise,
        exited.then(() => {
          throw new Error(`${name} has ended`);
        }),
      ]),
    async end(signal) {
      child.kill(signal);
      await exited;
    },
  };
}
