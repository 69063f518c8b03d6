import { createRandom } from '../../src/testing/emulator/faults-random.js';

/** Random choices that a seed repeats. */
export class Dice {
  readonly #random: () => number;

  /** The choices of one call depend on the seed and on its index, and on no other call. */
  constructor(seed: number, index: number) {
    const [first = 0] = [createRandom((seed ^ Math.imul(index + 1, 0x85eb_ca6b)) >>> 0)()];
    this.#random = createRandom(Math.floor(first * 2 ** 32));
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  oneOf<Item>(items: readonly Item[]): Item {
    const item = items[this.whole(0, items.length - 1)];
    if (item === undefined) throw new RangeError('There is nothing to choose from.');
    return item;
  }

  /** A seed for another source of random numbers. */
  seed(): number {
    return this.whole(0, 2 ** 32 - 1);
  }

  /** The value at so many calls in 100, undefined otherwise. The value is drawn in any case. */
  maybe<Value>(share: number, value: Value): Value | undefined {
    return this.chance(share) ? value : undefined;
  }
}
