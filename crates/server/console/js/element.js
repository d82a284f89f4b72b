// Elements from code. Text is text: nothing here parses HTML, so what pods hold can only be shown.

/** `element('p', { className: 'soft', onclick }, 'text', other)`: attributes with a dash or `role` are set as such. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.includes('-') || key === 'role' || key === 'for') made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

/** The same in SVG; all properties are attributes. */
export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A link that leaves the page alone; text if the address is none of the web's. */
export function link(address, text = address) {
  const isWeb = /^https?:\/\//i.test(address);
  return isWeb ? element('a', { href: address, rel: 'noreferrer noopener', target: '_blank' }, text) : element('span', {}, text);
}
