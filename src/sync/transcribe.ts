import type { Transcript } from '../contracts/index.js';
import type { MappedResult } from '../deepgram/map-result.js';
import { defined } from '../internal/defined.js';
import { buildTranscript } from '../transcript/build.js';
import type { TranscribeCall, TranscriberParts } from './call.js';
import { CallRun } from './call-run.js';

export type { TranscribeCall } from './call.js';

/** Pattern 1: one source, one transcript. Retries, limits and deadlines are all here. */
export type Transcriber = (call: TranscribeCall) => Promise<Transcript>;

export function createTranscriber(parts: TranscriberParts): Transcriber {
  return async (call) => {
    const run = new CallRun(parts, call, {
      send: async (api, request) => toTranscript(await api.request(request), call, parts.clock.wallMs()),
      requestIdOf: ({ requestId }) => requestId,
      secondsOf: ({ durationSeconds: audio, channels }) => ({
        audio,
        billed: audio * (call.parameters.multichannel === true ? channels.length : 1),
      }),
    });
    try {
      return await run.complete(call.keep);
    } finally {
      run.dispose();
    }
  };
}

function toTranscript(
  { requestId, ...result }: MappedResult,
  { mode, model, region, language, transcriptId }: TranscribeCall,
  createdAtMs: number,
): Transcript {
  return buildTranscript({
    ...defined({ id: transcriptId }),
    ...result,
    mode,
    model,
    requestIds: [requestId],
    language: result.language ?? language,
    region: region.name,
    createdAtMs,
  });
}
