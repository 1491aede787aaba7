import { announce } from './announce.js';

// Buttons are shown only where this runs.
document.documentElement.classList.add('scripted');

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

/** navigator.clipboard exists only over https and on localhost; the older way works everywhere. */
async function copy(element) {
  if (navigator.clipboard && isSecureContext) {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      // Refused by the browser's settings.
    }
  }
  select(element);
  return document.execCommand('copy');
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('button.copy');
  if (!button) return;
  const command = button.parentElement.querySelector('code');
  const done = await copy(command);
  if (!done) select(command);
  button.dataset.said = done ? 'Copied' : 'Selected';
  announce(done ? 'Copied: ' + command.textContent : 'Not copied. The text is selected: copy it with the keyboard');
  setTimeout(() => { delete button.dataset.said; }, 2000);
});
