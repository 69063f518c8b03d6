import { clock, element } from './page.js';

/** @import { LiveClientEvent } from 'transcription-client/browser' */

/** @typedef {Pick<Extract<LiveClientEvent, { type: 'final' }>, 'channel' | 'start' | 'text' | 'words'>} Segment */
/** @typedef {Segment['words'][number]} Word */

const COLOURS = 4;

/** The captions on the page: what is final, and below it what may still change. */
export class Captions {
  #finals = element('finals');
  #interims = element('interims');
  #scroller = element('scroller');
  #empty = element('empty');
  /** Names of the people on the channels, where they are known. @type {readonly string[]} */
  #people = [];
  #showsTurns = false;
  /** The turn that is being spoken, counted from 0. */
  #turn = 0;
  /** Who has spoken so far, in the order in which they began. @type {string[]} */
  #voices = [];
  /** Whose words the last line shows. @type {string | undefined} */
  #lastVoice;

  /**
   * @param {{ people: readonly string[], showsTurns: boolean }} settings
   */
  begin({ people, showsTurns }) {
    this.#people = people;
    this.#showsTurns = showsTurns;
    this.#turn = 0;
    this.#voices = [];
    this.#lastVoice = undefined;
    this.#finals.replaceChildren();
    this.#interims.replaceChildren();
    this.#empty.hidden = true;
  }

  /**
   * @param {number} turn
   */
  beginTurn(turn) {
    this.#turn = turn;
  }

  /**
   * It takes the place of what was understood of this channel before.
   *
   * @param {Segment} segment
   */
  showInterim(segment) {
    this.#interimOf(segment.channel)?.remove();
    if (segment.text === '') return;
    const line = this.#line(
      segment.start,
      segment.text,
      this.#voiceOf(segment, segment.words[0]),
      this.#lastVoice,
    );
    line.dataset.channel = String(segment.channel);
    this.keepInView(() => this.#interims.append(line));
  }

  /**
   * Flux: the turn is probably over.
   *
   * @param {boolean} isEnding
   */
  markEnding(isEnding) {
    this.#interimOf(0)?.classList.toggle('ending', isEnding);
  }

  /**
   * A line for each person that speaks in it. What was repaired after an outage may belong further up.
   *
   * @param {Segment} segment
   */
  addFinal(segment) {
    this.keepInView(() => {
      this.#interimOf(segment.channel)?.remove();
      for (const { voice, start, text } of this.#runsOf(segment)) {
        const next = [...this.#finals.children].find((line) => startOf(line) > start);
        const line = this.#line(start, text, voice, next === undefined ? this.#lastVoice : undefined);
        this.#finals.insertBefore(line, next ?? null);
        if (next === undefined) this.#lastVoice = voice;
      }
    });
  }

  /**
   * A line that is no speech, and that screen readers need not hear twice.
   *
   * @param {string} text
   * @param {'cut' | 'healed' | 'lost'} kind
   */
  addMark(text, kind) {
    const mark = document.createElement('p');
    mark.className = `mark ${kind}`;
    mark.setAttribute('aria-hidden', 'true');
    mark.append(text);
    this.keepInView(() => this.#finals.append(mark));
    return mark;
  }

  end() {
    this.#interims.replaceChildren();
    this.#empty.hidden = this.#finals.childElementCount > 0;
  }

  /**
   * @param {number} channel
   * @returns {HTMLElement | null}
   */
  #interimOf(channel) {
    return this.#interims.querySelector(`[data-channel="${channel}"]`);
  }

  /**
   * @param {Segment} segment
   */
  #runsOf(segment) {
    /** @type {{ voice: string, start: number, words: string[] }[]} */
    const runs = [];
    for (const word of segment.words) {
      const voice = this.#voiceOf(segment, word);
      const text = word.punctuatedWord ?? word.word;
      const run = runs.at(-1);
      if (run?.voice === voice) run.words.push(text);
      else runs.push({ voice, start: word.start, words: [text] });
    }
    return runs.map(({ voice, start, words }) => ({ voice, start, text: words.join(' ') }));
  }

  /**
   * Deepgram counts speakers anew on each connection, and on each channel.
   *
   * @param {Segment} segment
   * @param {Word | undefined} word
   */
  #voiceOf({ channel }, word) {
    return this.#showsTurns ? `turn ${this.#turn}` : `${channel} ${word?.speaker ?? 0}`;
  }

  /**
   * @param {number} start
   * @param {string} text
   * @param {string} voice
   * @param {string | undefined} voiceBefore
   */
  #line(start, text, voice, voiceBefore) {
    const line = document.createElement('p');
    line.className = 'line';
    line.dataset.start = String(start);
    if (voice !== voiceBefore) line.append(this.#nameOf(voice));
    const time = document.createElement('time');
    time.dateTime = `PT${start.toFixed(1)}S`;
    time.append(clock(start));
    const words = document.createElement('span');
    words.className = 'text';
    words.append(text);
    line.append(time, words);
    line.dataset.colour = String(this.#colourOf(voice));
    return line;
  }

  /**
   * @param {string} voice
   */
  #nameOf(voice) {
    const name = document.createElement('b');
    name.className = 'voice';
    const person = this.#people[Number(voice.split(' ')[0])];
    const number = this.#showsTurns ? this.#turn + 1 : this.#numberOf(voice) + 1;
    name.append(person ?? `${this.#showsTurns ? 'Turn' : 'Speaker'} ${number}`);
    return name;
  }

  /**
   * @param {string} voice
   */
  #colourOf(voice) {
    return (this.#showsTurns ? this.#turn % 2 : this.#numberOf(voice)) % COLOURS;
  }

  /**
   * @param {string} voice
   */
  #numberOf(voice) {
    if (!this.#voices.includes(voice)) this.#voices.push(voice);
    return this.#voices.indexOf(voice);
  }

  /**
   * Follows the speech, unless the reader has scrolled up.
   *
   * @param {() => void} change
   */
  keepInView(change) {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
    change();
    if (isAtEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

/**
 * @param {Element} line
 */
function startOf(line) {
  return Number(/** @type {HTMLElement} */ (line).dataset.start ?? Number.NaN);
}
