"""What can be computed of a page in a browser: contrast, names, order, width. Each gives a list of what is wrong."""

# The ratio of WCAG 2.1, section 1.4.3, between each text and the nearest opaque ground under it. The page has no
# pictures and no translucent grounds.
CONTRAST = """
const channel = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const parse = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const opaque = (color) => { const parts = parse(color); return parts.length === 3 || parts[3] === 1; };
function ground(element) {
  for (let at = element; at; at = at.parentElement) {
    const box = at.ownerSVGElement && at.parentElement.querySelector(':scope > rect');
    if (box) return parse(getComputedStyle(box).fill);
    const color = getComputedStyle(at).backgroundColor;
    if (opaque(color)) return parse(color);
  }
  return [255, 255, 255];
}
const wrong = new Set();
let seen = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.nodeValue.trim() || !element.getClientRects().length || element.closest('noscript, title')) continue;
  const style = getComputedStyle(element);
  const ink = parse(element.ownerSVGElement ? style.fill : style.color);
  const [high, low] = [luminance(ink), luminance(ground(element))].sort((a, b) => b - a);
  const ratio = (high + 0.05) / (low + 0.05);
  seen += 1;
  if (ratio < 4.5) wrong.add(`${ratio.toFixed(2)}: ${element.tagName}.${element.className} ${walker.currentNode.nodeValue.trim().slice(0, 40)}`);
}
return [seen, [...wrong]];
"""

STRUCTURE = """
const wrong = [];
if (document.documentElement.lang !== 'en') wrong.push('no lang');
for (const name of ['header', 'main', 'footer', 'nav']) if (!document.querySelector(name)) wrong.push('no ' + name);
if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
let last = 0;
for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
  const level = Number(heading.tagName[1]);
  if (level > last + 1) wrong.push(`h${level} after h${last}: ${heading.textContent}`);
  last = level;
}
const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push('id twice: ' + id);
for (const one of document.querySelectorAll('[aria-labelledby]')) {
  for (const id of one.getAttribute('aria-labelledby').split(' ')) if (!document.getElementById(id)) wrong.push('labelled by nobody: ' + id);
}
for (const one of document.querySelectorAll('th')) if (!one.scope) wrong.push('th without scope: ' + one.textContent);
for (const one of document.querySelectorAll('table')) if (!one.closest('[aria-label]')) wrong.push('table without a name');
for (const one of document.querySelectorAll('svg')) if (one.getAttribute('role') !== 'img' || !one.getAttribute('aria-label')) wrong.push('svg without words');
for (const one of document.querySelectorAll('[style], style, [onclick]')) wrong.push('inline: ' + one.tagName);
for (const list of document.querySelectorAll('main, section, tbody, article')) {
  const keys = [...list.children].map((one) => one.dataset.key).filter(Boolean);
  if (new Set(keys).size !== keys.length) wrong.push('keys twice: ' + keys);
}
return wrong;
"""

# What a person operates, or a screen reader announces as a thing of its own, has a name.
NAMED_ROLES = ("button", "link", "image", "region", "navigation", "heading", "article")


def contrast(browser):
    seen, wrong = browser.js(CONTRAST)
    assert seen > 20, "nothing was measured"
    return wrong


def structure(browser):
    return browser.js(STRUCTURE)


def nameless(browser):
    """Of Chromium's own accessibility tree."""
    nodes = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    seen = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in NAMED_ROLES]
    assert len(seen) > 10, "nothing was looked at"
    return [node["role"]["value"] for node in seen if not node.get("name", {}).get("value") and node["role"]["value"] != "article"]


def too_wide(browser):
    """Whether the page itself, or anything outside a box that scrolls, is wider than the window."""
    return browser.js(
        """
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth > width) return ['page ' + document.documentElement.scrollWidth];
        return [...document.querySelectorAll('main *')]
          .filter((one) => !one.closest('.scroll, pre') && one.getBoundingClientRect().right > width + 1)
          .map((one) => one.tagName + ' ' + one.className);
        """
    )
