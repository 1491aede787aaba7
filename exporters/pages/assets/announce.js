/** Says something to whoever listens instead of looks: the page's one live region. */
export function announce(words) {
  const region = document.getElementById('live');
  if (!region) return;
  region.textContent = '';
  // A screen reader speaks of a change; saying the same again has to be one.
  setTimeout(() => { region.textContent = words; }, 50);
}
