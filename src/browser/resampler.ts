/** Zero crossings of the filter on each side: a longer filter has a steeper edge. */
const ZERO_CROSSINGS = 40;

/** Where the filter cuts, as a share of the lower Nyquist frequency: its edge has ended when that is reached. */
const CUT = 0.93;

/** Positions between two samples that have a filter of their own. The rates that occur need 160 at most. */
const MAX_PHASES = 512;

/**
 * Brings samples to another rate, block by block, as if they were one.
 *
 * A windowed sinc (Blackman, about 74 dB) cuts what the new rate cannot hold, so that nothing comes back as another
 * tone: without it, everything above 8 kHz would fold into speech at 16 kHz.
 */
export class Resampler {
  readonly #from: number;
  readonly #to: number;
  readonly #halfWidth: number;
  readonly #filters: Float32Array[] = [];
  /** Samples that the next output needs, and later ones. */
  #samples: Float32Array;
  /** Where the next output lies: a whole sample, and a share of `#to` beyond it. */
  #whole: number;
  #part = 0;

  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.#from = from / divisor;
    this.#to = to / divisor;
    this.#halfWidth = Math.ceil(ZERO_CROSSINGS * Math.max(1, from / to));
    // The first output needs as many samples before it as behind it.
    this.#whole = this.#halfWidth - 1;
    this.#samples = new Float32Array(this.#whole);
  }

  push(block: Float32Array): Float32Array {
    if (this.#from === this.#to) return block;
    const samples = new Float32Array(this.#samples.length + block.length);
    samples.set(this.#samples);
    samples.set(block, this.#samples.length);
    const output: number[] = [];
    while (this.#whole + this.#halfWidth < samples.length) {
      output.push(this.#sampleAt(samples));
      this.#part += this.#from;
      this.#whole += Math.floor(this.#part / this.#to);
      this.#part %= this.#to;
    }
    const first = Math.min(this.#whole - this.#halfWidth + 1, samples.length);
    this.#samples = samples.slice(first);
    this.#whole -= first;
    return Float32Array.from(output);
  }

  /** What is still in the filter. */
  flush(): Float32Array {
    return this.push(new Float32Array(this.#halfWidth));
  }

  #sampleAt(samples: Float32Array): number {
    const filter = this.#filterAtPart();
    const first = this.#whole - this.#halfWidth + 1;
    let sum = 0;
    for (let tap = 0; tap < filter.length; tap++) {
      sum += (filter[tap] as number) * (samples[first + tap] as number);
    }
    return sum;
  }

  #filterAtPart(): Float32Array {
    const phases = Math.min(this.#to, MAX_PHASES);
    const phase = Math.floor((this.#part * phases) / this.#to);
    const cut = CUT * Math.min(1, this.#to / this.#from);
    const filter = this.#filters[phase] ?? createFilter(phase / phases, this.#halfWidth, cut);
    this.#filters[phase] = filter;
    return filter;
  }
}

/** The weights of the samples around a place that lies `shift` (0 to 1) behind a sample. Their sum is 1. */
function createFilter(shift: number, halfWidth: number, cut: number): Float32Array {
  const filter = Float32Array.from({ length: 2 * halfWidth }, (_, tap) => {
    const distance = tap - halfWidth + 1 - shift;
    const angle = (Math.PI * distance) / halfWidth;
    const window = 0.42 + 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
    const turn = Math.PI * cut * distance;
    return window * (turn === 0 ? 1 : Math.sin(turn) / turn);
  });
  const sum = filter.reduce((total, weight) => total + weight, 0);
  return filter.map((weight) => weight / sum);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
