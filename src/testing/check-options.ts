import { checkKeys, show } from '../internal/validate.js';

/** The checks of the options here throw a TypeError or RangeError that names the option and what it must be. */
export function requireKeys(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${where}: must be an object, got ${show(options)}`);
  }
  try {
    checkKeys(where, options, known);
  } catch (error) {
    // The client's own error class says that a call to Deepgram was refused, which this is not.
    throw new TypeError((error as Error).message);
  }
}

export function requireWhole(name: string, value: number, least: number, most: number): void {
  requireWithin(name, value, least, most);
  if (!Number.isInteger(value)) throw new RangeError(`${name}: must be a whole number, got ${value}`);
}

export function requireWithin(name: string, value: number, least: number, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`${name}: must be a number, got ${typeof value}`);
  if (!(value >= least && value <= most)) {
    throw new RangeError(`${name}: must be from ${least} to ${most}, got ${value}`);
  }
}

export function requireOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw new TypeError(`${name}: must be ${allowed.join(' or ')}, got ${String(value)}`);
  }
}

export function requireText(name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return;
  throw new TypeError(`${name}: must be a string that is not empty, got ${show(value)}`);
}

/** Leaves undefined alone. */
export function requireTexts(name: string, value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw new TypeError(`${name}: must be a list of strings, got ${show(value)}`);
  for (const [index, item] of value.entries()) requireText(`${name}[${index}]`, item);
}

export function requireFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${name}: must be a function, got ${show(value)}`);
}
