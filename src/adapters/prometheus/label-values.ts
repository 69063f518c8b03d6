/** Each value is a series of its own in Prometheus, for as long as it keeps data. */
const MAX_VALUES = 100;
const MAX_LENGTH = 100;

/** The values of one label. They come from callers' options: once there are too many, new ones are `other`. */
export class LabelValues {
  readonly #known = new Set<string>();

  bounded(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= MAX_VALUES || value.length > MAX_LENGTH) return 'other';
    this.#known.add(value);
    return value;
  }
}
