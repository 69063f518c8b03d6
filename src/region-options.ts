import { checkHosts } from './allowed-source.js';
import type { RegionOptions } from './contracts/index.js';
import { CLIENT_DEFAULTS } from './defaults.js';
import { BadRequestError } from './errors/index.js';
import { checkKeys, checkString, invalidOption, isPlainObject } from './internal/validate.js';

export interface Region {
  readonly name: string;
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly residency?: string;
  readonly allowedSources: readonly string[];
}

/** The first one is used where a call names none. */
export function resolveRegions(
  regions: readonly RegionOptions[] | undefined,
): readonly [Region, ...Region[]] {
  if (regions === undefined) return [{ ...CLIENT_DEFAULTS.region, allowedSources: [] }];
  if (!Array.isArray(regions)) throw invalidOption('regions', 'an array', regions);
  const [first, ...others] = regions.map(resolveRegion);
  if (first === undefined) throw invalidOption('regions', 'an array with at least one region', regions);
  const names = new Set([first, ...others].map((region) => region.name));
  if (names.size < regions.length)
    throw invalidOption('regions', 'an array of regions with different names', regions);
  return [first, ...others];
}

function resolveRegion(region: unknown, index: number): Region {
  const where = `regions[${index}]`;
  if (!isPlainObject(region)) throw invalidOption(where, 'an object { name, endpoint }', region);
  checkKeys(where, region, ['name', 'endpoint', 'residency', 'allowedSources']);
  const { name, endpoint, residency, allowedSources = [] } = region;
  if (typeof name !== 'string' || name === '')
    throw invalidOption(`${where}.name`, 'a string that is not empty', name);
  if (typeof endpoint !== 'string' || !isWebUrl(endpoint)) {
    // The value stays out of the message, because an address can hold a password.
    throw new BadRequestError(
      `The option ${where}.endpoint must be an http(s) URL without credentials and query, such as ` +
        'https://api.eu.deepgram.com.',
      { code: 'invalid_option' },
    );
  }
  checkString(`${where}.residency`, residency);
  checkHosts(`${where}.allowedSources`, allowedSources);
  return {
    name,
    endpoint: withoutEndSlashes(endpoint),
    allowedSources,
    ...(typeof residency === 'string' ? { residency } : {}),
  };
}

const MAX_ENDPOINT_LENGTH = 2000;

/** Nothing but scheme, host and path: what else an address may carry would be lost, or is a secret. */
function isWebUrl(text: string): boolean {
  if (text.length > MAX_ENDPOINT_LENGTH || !URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

/** Not by a pattern, which would take quadratic time where slashes are many. */
function withoutEndSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}
