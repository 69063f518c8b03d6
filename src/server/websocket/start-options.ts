import type { StreamOptions } from '../../contracts/index.js';
import { show } from '../../internal/validate.js';
import type { BridgeSettings } from './options.js';
import { BadMessage } from './requests.js';
import type { BridgePrincipal } from './types.js';

const MAX_ITEMS = 100;
const MAX_CHARACTERS = 1000;

/**
 * The options of a session: the server's, under what the browser may set. Whose it is comes from `authorize` alone.
 *
 * @throws BadMessage for an option that a browser must not set, or whose value is none of Deepgram's kinds.
 */
export function startOptions(
  asked: Readonly<Record<string, unknown>>,
  { userId }: BridgePrincipal,
  { allowedOptions, streamOptions }: BridgeSettings,
): StreamOptions {
  for (const [name, value] of Object.entries(asked)) {
    if (!allowedOptions.has(name)) throw new BadMessage(`The option ${show(name)} is not allowed here.`);
    if (!isSimple(value) && !isList(value))
      throw new BadMessage(`The option ${show(name)} has an unfit value.`);
  }
  return { ...streamOptions, ...asked, userId };
}

function isSimple(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= MAX_CHARACTERS;
  return typeof value === 'boolean' || Number.isFinite(value);
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_ITEMS && value.every(isSimple);
}
