// A button that copies, and says so.
import { element } from '../element.js';

/** `text` gives what is copied when it is pressed. */
export function copyButton(label, text, { name = label } = {}) {
  const button = element('button', { type: 'button', className: 'small', 'aria-label': name }, label);
  const said = element('span', { className: 'hidden-text', role: 'status' });
  let back;
  button.addEventListener('click', async () => {
    const done = await navigator.clipboard.writeText(text()).then(() => 'Copied', () => 'Cannot copy');
    button.textContent = said.textContent = done;
    clearTimeout(back);
    back = setTimeout(() => {
      button.textContent = label;
      said.textContent = '';
    }, 2000);
  });
  return element('span', { className: 'copy' }, button, said);
}
