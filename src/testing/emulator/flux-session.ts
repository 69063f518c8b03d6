import type { RecognizedWord, Recognizer } from '../recognizer.js';
import type { FluxThresholds } from './flux-parameters.js';
import { FluxTurns, type TurnEvent } from './flux-turns.js';

export interface FluxSessionOptions {
  readonly sampleRate: number;
  readonly thresholds: FluxThresholds;
  /** Audio between two looks at it. */
  readonly intervalSeconds: number;
  readonly recognizer: Recognizer;
  readonly report: (event: TurnEvent) => void;
}

/**
 * The hearing part of a Flux connection: PCM in, turns out. It looks at the audio at the same places however it was cut
 * into messages, so the same audio always gives the same events.
 */
export class FluxSession {
  readonly #options: FluxSessionOptions;
  readonly #turns: FluxTurns;
  readonly #abort = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #unheardSamples = 0;

  constructor(options: FluxSessionOptions) {
    this.#options = options;
    this.#turns = new FluxTurns(options.sampleRate, options.thresholds, options.report);
  }

  push(samples: Int16Array): Promise<void> {
    return this.#take(() => this.#hear(samples));
  }

  /** Does something once all the audio so far has been heard. */
  after(action: () => void): Promise<void> {
    return this.#take(async () => action());
  }

  configure(thresholds: FluxThresholds): void {
    this.#turns.thresholds = thresholds;
  }

  /** Looks at what came since the last look. */
  flush(): Promise<void> {
    return this.#take(async () => {
      if (this.#unheardSamples > 0) await this.#look();
    });
  }

  /** Ends the turn that is open, with all the audio so far. */
  endTurn(): Promise<void> {
    return this.#take(() => this.#look((words) => this.#turns.endTurn(words)));
  }

  /** Stops the recognizer. Nothing is reported any more. */
  cancel(): void {
    this.#abort.abort();
  }

  /** Rejects if the recognizer fails; the session cannot be used any more then. */
  #take(step: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(() => (this.#abort.signal.aborted ? undefined : step()));
    return this.#work;
  }

  async #hear(samples: Int16Array): Promise<void> {
    const interval = Math.max(1, Math.round(this.#options.intervalSeconds * this.#options.sampleRate));
    for (let offset = 0; offset < samples.length; ) {
      const part = samples.subarray(offset, offset + interval - this.#unheardSamples);
      this.#turns.append(part);
      this.#unheardSamples += part.length;
      offset += part.length;
      if (this.#unheardSamples === interval) await this.#look();
    }
  }

  async #look(use = (words: readonly RecognizedWord[]) => this.#turns.settle(words)): Promise<void> {
    this.#unheardSamples = 0;
    const { recognizer, sampleRate } = this.#options;
    const samples = this.#turns.audible();
    const context = { signal: this.#abort.signal, live: true };
    const words: readonly RecognizedWord[] =
      samples.length === 0 ? [] : await recognizer({ samples, sampleRate }, context);
    if (!this.#abort.signal.aborted) use(words);
  }
}
