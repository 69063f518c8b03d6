import type { CallbackTarget } from '../deepgram/callback.js';
import type { CallbackApi } from '../deepgram/prerecorded.js';
import type { TranscribeCall, TranscriberParts } from './call.js';
import { CallRun } from './call-run.js';

/**
 * Hands in the audio as a transcription does, and resolves to Deepgram's id of the request. The result comes by
 * callback, and with it the length of the audio: until then only what was announced counts as spent.
 */
export type Submitter = (call: TranscribeCall, callback: CallbackTarget) => Promise<string>;

export function createSubmitter(parts: TranscriberParts<CallbackApi>): Submitter {
  return async (call, callback) => {
    const run = new CallRun(parts, call, {
      send: (api, request) => api.submit(request, callback),
      requestIdOf: (requestId) => requestId,
      secondsOf: () => undefined,
    });
    try {
      return await run.complete();
    } finally {
      run.dispose();
    }
  };
}
