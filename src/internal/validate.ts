import { BadRequestError } from '../errors/index.js';

/** The way an unfit value is shown in a message: bounded, and never an object's content. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

export function invalidOption(name: string, expected: string, value: unknown): BadRequestError {
  return new BadRequestError(`The option ${name} must be ${expected}, and is ${show(value)}.`, {
    code: 'invalid_option',
  });
}

export interface NumberBounds {
  readonly min: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/** Leaves undefined alone: an option that is not set. */
export function checkNumber(name: string, value: unknown, { min, max, integer = true }: NumberBounds): void {
  if (value === undefined) return;
  const isFit =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= min &&
    (max === undefined || value <= max) &&
    (!integer || Number.isInteger(value));
  if (isFit) return;
  const kind = integer ? 'a whole number' : 'a number';
  throw invalidOption(
    name,
    max === undefined ? `${kind} of ${min} or more` : `${kind} from ${min} to ${max}`,
    value,
  );
}

/** Two bounds that are both set must not contradict each other. */
export function checkOrder(
  lowerName: string,
  lower: number | undefined,
  upperName: string,
  upper: number | undefined,
): void {
  if (lower === undefined || upper === undefined || lower <= upper) return;
  throw invalidOption(lowerName, `at most ${upperName} (${upper})`, lower);
}

export function checkBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw invalidOption(name, 'true or false', value);
}

export function checkString(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return;
  throw invalidOption(name, 'a string that is not empty', value);
}

/** False for half of a surrogate pair, which no URL and no UTF-8 can hold. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw invalidOption(name, 'a function', value);
}

export function checkPlainObject(name: string, value: unknown): void {
  if (value === undefined || isPlainObject(value)) return;
  throw invalidOption(name, 'a plain object', value);
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** For adapters that are handed in: they are told apart by what they can do. */
export function checkMethods(name: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return;
  const isFit =
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function');
  if (!isFit) throw invalidOption(name, `an object with the methods ${methods.join(', ')}`, value);
}

/** An adapter says what it can do, as data, and does it. */
export function checkAdapter(name: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return;
  checkMethods(name, value, methods);
  const { capabilities } = value as { capabilities?: unknown };
  if (!isPlainObject(capabilities))
    throw invalidOption(`${name}.capabilities`, 'a plain object', capabilities);
}

const MAX_DEPTH = 100;

/** A plain object of what JSON can say. What JSON would drop or change in silence is refused. */
export function checkPlainData(name: string, value: unknown): void {
  checkPlainObject(name, value);
  if (value !== undefined) checkData(name, value, 0);
}

function checkData(path: string, value: unknown, depth: number): void {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean')
    return;
  if (Number.isFinite(value)) return;
  // Circular data has no end.
  if (depth > MAX_DEPTH)
    throw invalidOption(path.split('.', 1)[0] ?? path, 'plain data without circles', value);
  if (!Array.isArray(value) && !isPlainObject(value)) {
    throw invalidOption(path.slice(0, 80), 'plain JSON data', value);
  }
  for (const [key, item] of Object.entries(value)) checkData(`${path}.${key}`, item, depth + 1);
}

/** Refuses keys that nobody knows, and names the one that was probably meant. */
export function checkKeys(where: string, options: object, known: Iterable<string>, advice = ''): void {
  const names: ReadonlySet<string> = known instanceof Set ? known : new Set(known);
  for (const key of Object.keys(options)) {
    if (names.has(key)) continue;
    const meant = nearest(key, names);
    const hint = meant === undefined ? ` Take it out${advice}.` : ` Did you mean ${meant}?`;
    throw new BadRequestError(`Unknown option ${show(key)} in ${where}.${hint}`, { code: 'unknown_option' });
  }
}

function nearest(key: string, names: Iterable<string>): string | undefined {
  if (key.length > 40) return undefined;
  const plain = plainly(key);
  let best: { name: string; distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(plain, plainly(name));
    if (
      distance <= Math.max(1, Math.floor(plain.length / 4)) &&
      (best === undefined || distance < best.distance)
    ) {
      best = { name, distance };
    }
  }
  return best?.name;
}

/** `smartFormat` and `smart_format` are the same mistake. */
function plainly(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
