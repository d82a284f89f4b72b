// What has been done, said once: to the eye at the foot of the window, to a screen reader in its turn.

const place = document.querySelector('#said');
const SECONDS = 12;
let timer;

/** Says it; another word takes its place. */
export function say(text) {
  clearTimeout(timer);
  place.textContent = text;
  timer = setTimeout(() => (place.textContent = ''), SECONDS * 1000);
}
