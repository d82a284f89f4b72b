// @podbell/client as the tests use it: what it says, in the order in which it says it.
import WebSocket from 'ws';
import { subscribe } from '../../clients/javascript/src/index.js';
import { until } from './server.js';

export { WebSocket };

/** Comes back fast, and by the class that Node 20 lacks. */
export const OPTIONS = { WebSocket, reconnect: { first: 50, longest: 400 } };

/** A subscription of somebody (`undefined`: of anybody), with all that it says, short: `{ subscription, said, told, heard(), … }`. */
export function listening(session, topics, options = {}) {
  const said = [];
  const told = [];
  const base = [topics].flat()[0];
  const name = (iri) => (iri.startsWith(base) ? iri.slice(base.length) : new URL(iri).pathname);
  const subscription = subscribe(topics, {
    ...OPTIONS,
    fetch: session?.fetch,
    onNotification: (notification) => {
      told.push(notification);
      said.push(`${notification.type} ${name(notification.object)}`);
    },
    onGap: ({ reason }) => said.push(`gap ${reason}`),
    onState: (state) => said.push(state),
    onEnd: ({ reason }) => said.push(`end ${reason}`),
    ...options,
  });
  const heard = () => said.filter((one) => /^[A-Z]/.test(one));
  return {
    subscription,
    said,
    told,
    heard,
    gaps: () => said.filter((one) => one.startsWith('gap')),
    /** Waits until so many notifications are heard; which. */
    hears: async (count) => {
      await until(() => heard().length >= count, `${count} notifications; said so far: ${said}`);
      return heard();
    },
    /** Waits until it has been open so often. */
    opens: (count) => until(() => said.filter((one) => one === 'open').length >= count, `open ${count} times; said so far: ${said} (${subscription.problem})`),
    /** Waits for its end. */
    ends: async () => {
      await until(() => subscription.state === 'closed', `its end; said so far: ${said} (${subscription.problem})`);
      return subscription.ended;
    },
  };
}
