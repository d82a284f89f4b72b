// The owner's view: what listens to their storages, and what changed there lately. It does nothing that the owner's own
// programs could not do by the same protocols.
import { element } from './element.js';
import { footer } from './footer.js';
import { mountSession } from './session-view.js';
import { Session } from './session.js';
import { ownerView } from './owner/view.js';
import { welcome } from './owner/welcome.js';

const session = new Session();
const { ask } = mountSession(session, document.querySelector('#session'));
const place = document.querySelector('#view');
let shown, shownTo;
place.append(element('p', { className: 'soft' }, 'One moment …'));
document.body.append(footer());

function show() {
  if (shown && shownTo === session.webid) return;
  shown?.close();
  shownTo = session.webid;
  shown = session.webid ? ownerView(session, ask) : welcome(session, ask);
  place.replaceChildren(shown.element);
  place.removeAttribute('aria-busy');
}

session.addEventListener('change', show);
try {
  await session.open();
} catch (error) {
  show();
  place.prepend(element('p', { className: 'notice bad', role: 'alert' },
    `This browser does not let the page keep who is signed in (${error.message}). Perhaps it is a private window.`));
}
