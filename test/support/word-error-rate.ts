export interface WordErrorRate {
  /** Words to substitute, insert or delete to turn the hypothesis into the reference. */
  readonly errors: number;
  /** Words of the reference. */
  readonly words: number;
  /** `errors / words`; can exceed 1. Two empty texts have 0, words where none were spoken Infinity. */
  readonly rate: number;
}

/** Compares texts word by word; case and punctuation do not count. */
export function wordErrorRate(reference: string, hypothesis: string): WordErrorRate {
  const expected = normalizedWords(reference);
  const errors = editDistance(expected, normalizedWords(hypothesis));
  return { errors, words: expected.length, rate: errors === 0 ? 0 : errors / expected.length };
}

/** Apostrophes join (`don't` is one word), other punctuation separates (`ill-disposed` is two). */
function normalizedWords(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/['’]/g, '')
    .split(/[^\p{Letter}\p{Mark}\p{Number}]+/u)
    .filter((word) => word !== '');
}

/** Levenshtein's distance, one row of his table at a time. */
function editDistance(from: readonly string[], to: readonly string[]): number {
  let row = [0, ...to.map((_, index) => index + 1)];
  for (const [rowIndex, word] of from.entries()) {
    const next = [rowIndex + 1];
    for (const [column, other] of to.entries()) {
      const substitute = at(row, column) + (word === other ? 0 : 1);
      next.push(Math.min(substitute, at(row, column + 1) + 1, at(next, column) + 1));
    }
    row = next;
  }
  return at(row, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
