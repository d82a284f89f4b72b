// Who somebody is, as the owner reads it: a name says nothing for certain, so the WebID is always beside it or on demand.
import { element } from '../element.js';
import { isHere, lookUp, nameOf } from './names.js';
import { plain, shortWebid } from './words.js';
import { say } from './say.js';

/** What to call somebody behind “of”. */
export function called(webid, me) {
  if (!webid) return 'anybody (not logged in)';
  if (webid === me) return 'yours';
  return nameOf(webid) ?? shortWebid(webid);
}

/** Somebody, with a button that looks up the name if that is known elsewhere; `changed` is called once it is found. */
export function person(webid, me, changed) {
  if (!webid) return element('span', { className: 'person' }, 'Anybody', element('span', { className: 'soft' }, ' (not logged in)'));
  const name = nameOf(webid);
  return element('span', { className: 'person', title: plain(webid) },
    element('bdi', {}, name ?? shortWebid(webid)),
    webid === me && element('span', { className: 'tag' }, 'you'),
    !name && !isHere(webid) && changed && lookUpButton(webid, changed));
}

function lookUpButton(webid, changed) {
  const { host } = new URL(webid);
  const look = async () => {
    button.disabled = true;
    const name = await lookUp(webid);
    say(name ? `${shortWebid(webid)} is called ${name}.` : `The profile at ${host} tells no name.`);
    changed();
  };
  const button = element('button', { type: 'button', className: 'quiet', title: `Asks ${host}, which then knows that somebody looked`, onclick: look },
    'look up name', element('span', { className: 'hidden-text' }, ` of ${shortWebid(webid)}`));
  return button;
}
