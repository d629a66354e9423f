/**
 * A button that is disabled while it has the focus drops it, and a keyboard user is thrown back to
 * the top of the page. The focus goes to the main button instead.
 * @param {HTMLElement} fallback
 * @param {() => void} change disables and enables buttons
 */
export function keepFocus(fallback, change) {
  const focused = document.activeElement;
  change();
  if (focused instanceof HTMLButtonElement && focused.disabled) fallback.focus();
}
