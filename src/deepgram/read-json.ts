/** Any value that JSON.parse may return. */
export type Json = unknown;
export type JsonObject = Readonly<Record<string, Json>>;

/** Says which field of an answer is wrong; it becomes a typed error where the answer is known. */
export class InvalidJson extends Error {
  readonly #path: string;
  readonly #problem: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.#path = path;
    this.#problem = problem;
  }

  /** The same, where `path` was told from `parent` on. */
  within(parent: string): InvalidJson {
    return new InvalidJson(this.#path === '' ? parent : `${parent}.${this.#path}`, this.#problem);
  }
}

export function object(value: Json, path: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new InvalidJson(path, `is ${kind(value)} instead of an object`);
}

export function list(value: Json, path: string, minLength = 0): readonly Json[] {
  if (!Array.isArray(value)) throw new InvalidJson(path, `is ${kind(value)} instead of an array`);
  if (value.length < minLength) throw new InvalidJson(path, 'is empty');
  return value;
}

export function text(value: Json, path: string, minLength = 0): string {
  if (typeof value !== 'string') throw new InvalidJson(path, `is ${kind(value)} instead of a text`);
  if (value.length < minLength) throw new InvalidJson(path, 'is empty');
  return value;
}

/** As list() and map(), for what may be there a million times: paths within an item begin at the item. */
export function listOf<Value>(value: Json, path: string, read: (item: Json) => Value): readonly Value[] {
  return list(value, path).map((item, index) => {
    try {
      return read(item);
    } catch (error) {
      throw error instanceof InvalidJson ? error.within(`${path}[${index}]`) : error;
    }
  });
}

/** A finite number that is not below `min`. */
export function number(value: Json, path: string, min = 0): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new InvalidJson(path, `is ${kind(value)} instead of a number`);
  }
  if (value < min) throw new InvalidJson(path, `is below ${min}`);
  return value;
}

/** Fields that are missing or null stay out. */
export function optional<Value>(value: Json, read: (found: Json) => Value): Value | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

function kind(value: Json): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
