import { announce } from './announce.js';
import { morph } from './morph.js';

const EVERY_MS = 3000;
const DEADLINE_MS = 10000;

let etag = null;
let fresh = new Date();
let stale = false;
let timer = null;

const clock = (date) => date.toISOString().slice(11, 19) + ' UTC';

function setStale(why) {
  const line = document.getElementById('freshness');
  line.textContent = why
    ? `Not updated since ${clock(fresh)}: ${why}`
    : `Updated ${clock(fresh)}`;
  line.classList.toggle('stale', Boolean(why));
  document.documentElement.classList.toggle('is-stale', Boolean(why));
  if (Boolean(why) !== stale) announce(why ? line.textContent : 'Updated again');
  stale = Boolean(why);
}

function show(html) {
  const next = new DOMParser().parseFromString(html, 'text/html');
  const focused = document.activeElement;
  const heading = () => document.querySelector('h1')?.textContent;
  const before = heading();
  document.title = next.title;
  for (const id of ['main', 'foot']) {
    const wanted = next.getElementById(id);
    if (wanted) morph(document.getElementById(id), wanted);
  }
  // An element that moved among its siblings has lost it.
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  if (heading() !== before) announce(heading());
}

async function refresh() {
  const headers = etag ? { 'If-None-Match': etag } : {};
  const answer = await fetch(location.href, { headers, cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS) });
  if (answer.status !== 304) {
    if (!answer.ok) return setStale(answer.status === 404 ? 'pghangd does not keep it any more' : `pghangd answers ${answer.status}`);
    show(await answer.text());
    etag = answer.headers.get('ETag');
  }
  fresh = new Date();
  return setStale('');
}

async function tick() {
  try {
    await refresh();
  } catch {
    setStale('pghangd does not answer');
  }
  timer = null;
  plan();
}

function plan(delay = EVERY_MS) {
  if (timer === null && !document.hidden) timer = setTimeout(tick, delay);
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    clearTimeout(timer);
    timer = null;
  } else {
    plan(0);
  }
});

setStale('');
plan();
