/** What the modules of this page have in common. */

/**
 * @param {string} id
 */
export function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * Shows a text, or hides the element where there is none.
 *
 * @param {string} id
 * @param {string} text
 */
export function show(id, text) {
  const shown = element(id);
  shown.textContent = text;
  shown.hidden = text === '';
}

/**
 * Minutes and seconds.
 *
 * @param {number} seconds
 */
export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}
