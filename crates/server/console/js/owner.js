// The owner's view.
import { mountSession } from './session-view.js';
import { Session } from './session.js';

const session = new Session();
mountSession(session, document.querySelector('#session'));
await session.open();
