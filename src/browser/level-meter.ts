/** How loud it is: root mean square and highest sample, 0 to 1. */
export interface Level {
  readonly rms: number;
  readonly peak: number;
}

/** Measures samples, and tells once for so many of them. */
export class LevelMeter {
  readonly #window: number;
  readonly #onLevel: (level: Level) => void;
  #squares = 0;
  #peak = 0;
  #count = 0;

  constructor(samplesPerLevel: number, onLevel: (level: Level) => void) {
    this.#window = samplesPerLevel;
    this.#onLevel = onLevel;
  }

  push(samples: Float32Array): void {
    for (const sample of samples) {
      this.#squares += sample * sample;
      this.#peak = Math.max(this.#peak, Math.abs(sample));
      if (++this.#count === this.#window) this.#tell();
    }
  }

  #tell(): void {
    const level = {
      rms: Math.min(1, Math.sqrt(this.#squares / this.#count)),
      peak: Math.min(1, this.#peak),
    };
    this.#squares = this.#peak = this.#count = 0;
    this.#onLevel(level);
  }
}
