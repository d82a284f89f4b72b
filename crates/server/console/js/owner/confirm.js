// Asks before something ends.
import { element } from '../element.js';

let serial = 0;

/** A dialog of this page: `{ dialog, open() }`; it is gone from the page once it is closed. */
export function dialogOf(title, ...content) {
  const id = `dialog-${(serial += 1)}`;
  const dialog = element('dialog', { 'aria-labelledby': id }, element('h2', { id }, title), ...content);
  dialog.addEventListener('close', () => dialog.remove());
  return {
    dialog,
    open() {
      document.body.append(dialog);
      dialog.showModal();
    },
  };
}

/** Whether it shall be done. Cancel is what Enter and Escape do. */
export function confirmed(title, paragraphs, action) {
  return new Promise((resolve) => {
    let answer = false;
    const cancel = element('button', { type: 'button', onclick: () => dialog.close(), autofocus: true }, 'Cancel');
    const go = element('button', { type: 'button', className: 'bad', onclick: () => ((answer = true), dialog.close()) }, action);
    const text = element('div', { id: `asked-${serial + 1}` }, ...paragraphs.map((text) => element('p', {}, text)));
    const { dialog, open } = dialogOf(title, text, element('div', { className: 'row' }, cancel, go));
    dialog.setAttribute('aria-describedby', text.id);
    dialog.addEventListener('close', () => resolve(answer));
    open();
  });
}
