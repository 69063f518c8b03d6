import { element } from './page.js';

/** @typedef {'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed'} LinkState */

/** @type {Readonly<Record<LinkState, string>>} */
const WORDS = {
  idle: 'Not connected',
  connecting: 'Connecting …',
  open: 'Connected',
  reconnecting: 'Reconnecting …',
  closed: 'Ended',
};

/** One connection on the page: its state, and the button that cuts it. */
export class Link {
  /** What is out of reach without it. */
  partner;
  #item;
  #state;
  #button;
  /** @type {LinkState} */
  #now = 'idle';

  /**
   * @param {'bridge' | 'deepgram'} name
   * @param {string} partner
   * @param {(() => void) | undefined} cut
   */
  constructor(name, partner, cut) {
    this.partner = partner;
    this.#item = element(`link-${name}`);
    this.#state = /** @type {HTMLElement} */ (this.#item.querySelector('.state'));
    this.#button = /** @type {HTMLButtonElement} */ (element(`cut-${name}`));
    this.#button.hidden = cut === undefined;
    this.#button.addEventListener('click', () => {
      if (this.#now === 'open') cut?.();
    });
  }

  get state() {
    return this.#now;
  }

  /**
   * @param {LinkState} state
   */
  enter(state) {
    this.#now = state;
    this.#item.dataset.state = state;
    this.#state.textContent = WORDS[state];
    // While it reconnects the button is not `disabled`: that would take the keyboard's focus away.
    this.#button.disabled = state === 'idle' || state === 'closed';
    this.#button.setAttribute('aria-disabled', String(state !== 'open'));
  }
}
