/** What came of the calls of a run: how many of each kind, and the largest of each measure. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #largest = new Map<string, number>();

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  largest(what: string, value: number): void {
    this.#largest.set(what, Math.max(value, this.#largest.get(what) ?? Number.NEGATIVE_INFINITY));
  }

  toString(): string {
    const counts = [...this.#counts].sort(([, one], [, other]) => other - one);
    const lines = counts.map(([what, times]) => `  ${String(times).padStart(6)} ${what}`);
    const measures = [...this.#largest].map(([what, value]) => `  ${value.toFixed(1).padStart(6)} ${what}`);
    return [...lines, ...measures].join('\n');
  }
}
