// The page on which notifications are heard.
import { Session } from './session.js';

await new Session().open();
