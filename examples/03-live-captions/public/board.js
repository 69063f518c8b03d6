import { Captions } from './captions.js';
import { Link } from './connections.js';
import { clock, element, show } from './page.js';
import { compareWords, countWords } from './proof.js';

/** @import { LiveClientState } from 'transcription-client/browser' */
/** @import { SessionEvent } from './session.js' */
/** @import { Final, Spoken } from './proof.js' */

/** Shows a session: captions, connections, figures, and what came of it. */
export class Board {
  #captions = new Captions();
  #bridge;
  #deepgram;
  /** @type {Final[]} */
  #finals = [];
  #cuts = 0;
  #lostSeconds = 0;
  /** Connections that are broken now: since when, and the line among the captions that tells of it. */
  #outages = /** @type {Map<Link, { at: number, mark: HTMLElement }>} */ (new Map());

  /**
   * @param {{ cutBridge: () => void, cutDeepgram: (() => void) | undefined }} parts
   */
  constructor({ cutBridge, cutDeepgram }) {
    this.#bridge = new Link('bridge', 'the server', cutBridge);
    this.#deepgram = new Link('deepgram', 'Deepgram', cutDeepgram);
  }

  /**
   * @param {{ people: readonly string[], showsTurns: boolean }} settings
   */
  begin(settings) {
    this.#finals = [];
    this.#cuts = this.#lostSeconds = 0;
    this.#captions.begin(settings);
    for (const id of ['alert', 'outcome', 'status']) show(id, '');
    for (const id of ['behind', 'round-trip']) show(id, '–');
    for (const id of ['words', 'cuts']) show(id, '0');
    this.#offerDownloads(undefined);
    this.#bridge.enter('connecting');
    this.#deepgram.enter('connecting');
  }

  /**
   * @param {SessionEvent} event
   */
  show(event) {
    switch (event.type) {
      case 'heard':
        show('clock', clock(event.seconds));
        if (this.#outages.size > 0) this.#showBehind(event.behind);
        return this.#showLevel(event.level);
      case 'behind':
        return this.#showBehind(event.seconds);
      case 'latency':
        return show('round-trip', `${event.milliseconds.toFixed(event.milliseconds < 10 ? 1 : 0)} ms`);
      case 'state':
        return this.#showBridge(event.state);
      case 'open':
        return this.#deepgram.enter('open');
      case 'reconnecting':
        return this.#lose(this.#deepgram);
      case 'reconnected':
        return this.#regain(this.#deepgram);
      case 'interim':
        return this.#captions.showInterim(event);
      case 'final':
        this.#finals.push(event);
        show('words', String(countWords(this.#finals)));
        return this.#captions.addFinal(event);
      case 'turn-start':
        return this.#captions.beginTurn(event.turn);
      case 'turn-eager-end':
        return this.#captions.markEnding(true);
      case 'turn-resume':
        return this.#captions.markEnding(false);
      case 'gap':
        return this.#showGap(event.to - event.from);
      case 'end':
        return this.#offerDownloads(event.transcript?.id);
      default:
    }
  }

  end() {
    this.#captions.end();
    this.#outages.clear();
    this.#bridge.enter('closed');
    this.#deepgram.enter('closed');
    this.#showLevel(0);
  }

  /**
   * @param {readonly Spoken[] | undefined} spoken What was said, where that is known.
   */
  succeed(spoken) {
    const words = `${countWords(this.#finals)} words`;
    const cuts = this.#cuts === 0 ? '' : `, through ${this.#cuts} ${this.#cuts === 1 ? 'cut' : 'cuts'}`;
    const finding = spoken && compareWords(this.#finals, spoken);
    const isWhole = finding !== 'different' && this.#lostSeconds === 0;
    const text = {
      all: `All ${words} of the sample arrived${cuts}: in order, and none twice.`,
      beginning: `${words} of the sample arrived${cuts}: in order, none missing and none twice.`,
      different: `${words} arrived${cuts}, and they are not those of the sample.`,
      unknown: `${words} arrived${cuts}.`,
    }[finding ?? 'unknown'];
    this.#captions.keepInView(() => show('outcome', text));
    element('outcome').dataset.kind = isWhole ? 'good' : 'bad';
    show('status', text);
  }

  /**
   * @param {unknown} error
   */
  fail(error) {
    show('alert', error instanceof Error ? error.message : String(error));
  }

  /**
   * @param {number} seconds
   */
  #showBehind(seconds) {
    show('behind', seconds < 0.1 ? '< 0.1 s' : `${seconds.toFixed(1)} s`);
  }

  /**
   * @param {LiveClientState} state
   */
  #showBridge(state) {
    if (state === 'reconnecting') this.#lose(this.#bridge);
    else if (this.#outages.has(this.#bridge)) this.#regain(this.#bridge);
    this.#bridge.enter(state);
  }

  /**
   * Told for each attempt, and shown once.
   *
   * @param {Link} link
   */
  #lose(link) {
    link.enter('reconnecting');
    if (this.#outages.has(link)) return;
    const mark = this.#captions.addMark(`Without ${link.partner} …`, 'cut');
    this.#outages.set(link, { at: performance.now(), mark });
    show('status', `Without ${link.partner}. Reconnecting.`);
  }

  /**
   * @param {Link} link
   */
  #regain(link) {
    link.enter('open');
    const outage = this.#outages.get(link);
    if (outage === undefined) return;
    this.#outages.delete(link);
    const seconds = ((performance.now() - outage.at) / 1000).toFixed(1);
    outage.mark.textContent = `${seconds} s without ${link.partner}`;
    outage.mark.className = 'mark healed';
    this.#cuts += 1;
    show('cuts', String(this.#cuts));
    show('status', `Connected again, after ${seconds} seconds without ${link.partner}.`);
  }

  /**
   * @param {number} seconds
   */
  #showGap(seconds) {
    this.#lostSeconds += seconds;
    this.#captions.addMark(`${seconds.toFixed(1)} s of sound could not be kept`, 'lost');
  }

  /**
   * @param {string | undefined} id
   */
  #offerDownloads(id) {
    for (const link of element('downloads').querySelectorAll('a')) {
      link.href = `/transcripts/${id}.${link.dataset.format}`;
    }
    element('downloads').hidden = id === undefined;
    element('downloads-hint').hidden = id !== undefined;
  }

  /**
   * @param {number} level
   */
  #showLevel(level) {
    element('level').style.setProperty('--level', level.toFixed(2));
  }
}
