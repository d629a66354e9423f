/** The few DOM helpers the panels share. */

/**
 * The element with an id; the page is broken without it, so it throws.
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 * @returns {E}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element #${id}.`);
  return /** @type {E} */ (element);
}

/**
 * Makes an element. Text is always set as text, never parsed.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * Sets text only when it differs: no needless layout while a network trains.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Offers bytes as a file to keep.
 * @param {string} name
 * @param {Uint8Array} bytes
 */
export function download(name, bytes) {
  const url = URL.createObjectURL(
    new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], {
      type: 'application/octet-stream',
    }),
  );
  make('a', { href: url, download: name }).click();
  // The browser has taken the blob once the click was handled; a minute is more than enough.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
