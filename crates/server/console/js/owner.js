// The owner's view.
import { Session } from './session.js';

await new Session().open();
