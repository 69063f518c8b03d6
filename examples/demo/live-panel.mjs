// @ts-check

/** @import { LiveEvent, LiveTranscription } from 'transcription-client' */

const BAR_WIDTH = 20;

/**
 * Shows a live session: on a terminal one line that is drawn anew, elsewhere a line a step.
 */
export class LivePanel {
  #live;
  #totalSeconds;
  #finals = '';
  #shown = '';

  /**
   * @param {LiveTranscription} live
   * @param {number | undefined} totalSeconds
   */
  constructor(live, totalSeconds) {
    this.#live = live;
    this.#totalSeconds = totalSeconds;
  }

  /**
   * @param {LiveEvent} event
   */
  show(event) {
    if (event.type === 'open') this.#line('connected', '');
    if (event.type === 'interim') this.#line(this.#progress(), `${this.#finals}${event.text} …`);
    if (event.type === 'final' && event.text !== '') {
      this.#finals += `${event.text} `;
      this.#line(this.#progress(), this.#finals);
    }
    if (event.type === 'warning') this.#line('warning', event.message);
    if (event.type === 'error') this.#line('error', event.error.message);
  }

  close() {
    if (process.stdout.isTTY) process.stdout.write('\n');
  }

  #progress() {
    const sent = this.#live.stats().sentSeconds ?? 0;
    const total = this.#totalSeconds;
    if (total === undefined) return `${sent.toFixed(1)} s sent`;
    const filled = Math.min(BAR_WIDTH, Math.round((sent / total) * BAR_WIDTH));
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    return `${bar} ${sent.toFixed(1)} of ${total.toFixed(1)} s sent`;
  }

  /**
   * @param {string} state
   * @param {string} text
   */
  #line(state, text) {
    const line = `   ${state}  ${text}`.trimEnd();
    if (line === this.#shown) return;
    this.#shown = line;
    if (!process.stdout.isTTY) return console.log(line);
    // The newest words are at the end: that is what must stay in sight.
    const width = (process.stdout.columns ?? 80) - 1;
    const head = `   ${state}  `;
    const room = Math.max(10, width - head.length);
    const tail = text.length > room ? `…${text.slice(text.length - room + 1)}` : text;
    process.stdout.write(`\r\u001b[K${head}${tail}`);
  }
}
