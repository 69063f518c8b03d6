// @ts-check

/**
 * Converts 16-bit samples from one rate to another.
 *
 * Going down, an output sample is the mean of the input that it covers, which is a low-pass filter good
 * enough for speech. Going up, it lies on the line between its two neighbours.
 *
 * @param {Int16Array} samples
 * @param {number} fromRate Samples a second.
 * @param {number} toRate Samples a second.
 * @returns {Int16Array} `samples` itself where the rates are equal.
 */
export function resample(samples, fromRate, toRate) {
  if (!(fromRate > 0 && toRate > 0)) {
    throw new RangeError(`Sample rates must be above 0, not ${fromRate} and ${toRate}.`);
  }
  if (fromRate === toRate) return samples;
  const step = fromRate / toRate;
  const valueAt = step > 1 ? meanOf : pointOn;
  return Int16Array.from({ length: Math.floor(samples.length / step) }, (_, index) =>
    Math.round(valueAt(samples, index * step, step)),
  );
}

/**
 * @param {Int16Array} samples
 * @param {number} position
 */
function pointOn(samples, position) {
  const before = Math.floor(position);
  const left = samples[before] ?? 0;
  const right = samples[before + 1] ?? left;
  return left + (right - left) * (position - before);
}

/**
 * The mean from `from` to `from + width`. Samples at the two edges count by the part that is inside.
 *
 * @param {Int16Array} samples
 * @param {number} from
 * @param {number} width
 */
function meanOf(samples, from, width) {
  const to = from + width;
  let sum = 0;
  for (let index = Math.floor(from); index < to; index += 1) {
    sum += (samples[index] ?? 0) * (Math.min(index + 1, to) - Math.max(index, from));
  }
  return sum / width;
}
