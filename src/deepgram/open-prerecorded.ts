import type { HttpTransport } from './http-transport.js';
import { type CallbackApi, createPrerecordedApi, type PrerecordedApi } from './prerecorded.js';
import { loadSdk } from './sdk.js';

/** Loads the SDK, which is slow. */
export async function openPrerecordedApi(
  transport: Pick<HttpTransport, 'send'>,
): Promise<PrerecordedApi & CallbackApi> {
  return createPrerecordedApi(await loadSdk(), transport);
}
