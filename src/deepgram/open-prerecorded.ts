import type { Clock } from '../contracts/index.js';
import { createHttpTransport } from './http-transport.js';
import { type CallbackApi, createPrerecordedApi, type PrerecordedApi } from './prerecorded.js';
import { loadSdk } from './sdk.js';

/** Loads the SDK, which is slow, and makes a transport of its own. */
export async function openPrerecordedApi(
  clock: Pick<Clock, 'wallMs'>,
): Promise<PrerecordedApi & CallbackApi> {
  return createPrerecordedApi(await loadSdk(), createHttpTransport(clock));
}
