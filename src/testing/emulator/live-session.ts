import type { RecognizedWord, Recognizer } from '../recognizer.js';
import { type ChannelEvent, type ChannelRules, LiveChannel } from './live-channel.js';

export interface LiveSessionOptions {
  readonly rules: ChannelRules;
  /** Channels that are recognised, each apart. */
  readonly channels: number;
  /** Audio between two runs of the recognizer. */
  readonly intervalSeconds: number;
  readonly recognizer: Recognizer;
  readonly report: (channel: number, event: ChannelEvent) => void;
}

type Step =
  | { readonly type: 'audio'; readonly channels: readonly Int16Array[] }
  | { readonly type: 'flush'; readonly fromFinalize: boolean; readonly channel: number | undefined };

/**
 * The hearing part of a live connection: PCM in, events out. It knows nothing of sockets.
 *
 * Steps are taken one after another in the order in which they came, so that a recognizer which needs
 * time delays the messages but never mixes them up.
 */
export class LiveSession {
  readonly #options: LiveSessionOptions;
  readonly #channels: readonly LiveChannel[];
  readonly #abort = new AbortController();
  readonly #steps: Step[] = [];
  #working: Promise<void> | undefined;
  #unheardSamples = 0;
  #recognizerTakesTime = false;

  constructor(options: LiveSessionOptions) {
    this.#options = options;
    this.#channels = Array.from(
      { length: options.channels },
      (_, index) => new LiveChannel(options.rules, (event) => options.report(index, event)),
    );
  }

  /** Takes the next samples, one array a channel. */
  push(channels: readonly Int16Array[]): Promise<void> {
    return this.#take({ type: 'audio', channels });
  }

  /** Reports all audio pushed so far as final, of one channel or of all. Settles once that is done. */
  flush(fromFinalize: boolean, channel?: number): Promise<void> {
    return this.#take({ type: 'flush', fromFinalize, channel });
  }

  /** Drops what is not yet done and stops the recognizer. Nothing is reported any more. */
  cancel(): void {
    this.#steps.length = 0;
    this.#abort.abort();
  }

  /** Rejects if the recognizer fails; the session cannot be used any more then. */
  #take(step: Step): Promise<void> {
    this.#steps.push(step);
    this.#working ??= this.#work();
    return this.#working;
  }

  async #work(): Promise<void> {
    for (let step = this.#steps.shift(); step; step = this.#steps.shift()) {
      if (step.type === 'audio') await this.#hear(step.channels);
      else await this.#flush(step);
    }
    this.#working = undefined;
  }

  async #hear(channels: readonly Int16Array[]): Promise<void> {
    for (const [index, channel] of this.#channels.entries())
      channel.append(channels[index] ?? new Int16Array(0));
    this.#unheardSamples += channels[0]?.length ?? 0;
    const due = this.#unheardSamples >= this.#options.intervalSeconds * this.#options.rules.sampleRate;
    // A slow recognizer catches up: it hears all the audio that has arrived meanwhile at once.
    if (!due || (this.#recognizerTakesTime && this.#steps[0]?.type === 'audio')) return;
    this.#unheardSamples = 0;
    for (const channel of this.#channels) {
      const words = await this.#recognize(channel.audible());
      if (!this.#abort.signal.aborted) channel.settle(words);
    }
  }

  async #flush(step: Extract<Step, { type: 'flush' }>): Promise<void> {
    for (const [index, channel] of this.#channels.entries()) {
      if (step.channel !== undefined && step.channel !== index) continue;
      const words = await this.#recognize(channel.audible());
      if (!this.#abort.signal.aborted) channel.flush(words, step.fromFinalize);
    }
  }

  async #recognize(samples: Int16Array): Promise<readonly RecognizedWord[]> {
    if (samples.length === 0) return [];
    const { recognizer, rules } = this.#options;
    const context = { signal: this.#abort.signal, live: true };
    const words = recognizer({ samples, sampleRate: rules.sampleRate }, context);
    this.#recognizerTakesTime = words instanceof Promise;
    return words;
  }
}
