/**
 * Makes `from` look like `to` and touches only what differs, so that focus, selection, scroll position and what
 * somebody has opened stay. Elements with a data-key are the same one wherever they stand among their siblings.
 */

// What the reader changes, not the server.
const READERS_OWN = new Set(['open', 'data-said']);

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && node.getAttribute('data-key')) || null;

function morphAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !READERS_OWN.has(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !READERS_OWN.has(name)) from.setAttribute(name, value);
  }
}

function morphChildren(from, to) {
  const keyed = new Map([...from.children].filter(keyOf).map((child) => [keyOf(child), child]));
  const wantedKeys = new Set([...to.children].map(keyOf));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    while (at && keyOf(at) && !wantedKeys.has(keyOf(at))) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
    const unkeyed = at && !keyOf(at) && at.nodeName === wanted.nodeName ? at : null;
    const same = keyOf(wanted) ? keyed.get(keyOf(wanted)) : unkeyed;
    if (!same || same.nodeName !== wanted.nodeName) {
      from.insertBefore(document.importNode(wanted, true), at);
    } else {
      if (same === at) at = at.nextSibling;
      else from.insertBefore(same, at);
      morph(same, wanted);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== Node.ELEMENT_NODE) {
    from.nodeValue = to.nodeValue;
    return;
  }
  morphAttributes(from, to);
  morphChildren(from, to);
}
