// Loaded with the engine, by the first call.
import { resolveUpload } from './audio/resolve.js';
import { fromStream } from './audio/sources.js';
import type {
  AudioStore,
  EnqueueOptions,
  PrerecordedDeepgramOptions,
  ResolvedSource,
  Transcript,
} from './contracts/index.js';
import { PRERECORDED_KEYS } from './deepgram/map-options.js';
import { CLIENT_DEFAULTS } from './defaults.js';
import { defined } from './internal/defined.js';
import type { JobService } from './queue/service.js';
import type { StreamRequest } from './stream-request.js';
import type { TranscribeStretch } from './streaming/repairs.js';
import type { LiveRecovery, SessionRepair } from './streaming/session-types.js';

export interface StreamRepairParts {
  readonly audioStore: AudioStore | undefined;
  /** Pattern 1, with its retries, limits and deadlines. The transcript is not stored. */
  readonly transcribe: (
    source: ResolvedSource,
    options: RepairOptions,
    signal: AbortSignal,
  ) => Promise<Transcript>;
  readonly jobs: Pick<JobService, 'enqueueMany'>;
}

export type RepairOptions = PrerecordedDeepgramOptions & {
  readonly region: string;
  readonly durationSeconds: number;
  readonly userId?: string;
};

type Stretch = Parameters<TranscribeStretch>[0];

/** What transcribes the audio of an outage that was too long for the memory. Undefined where it is not wanted. */
export function createStreamRepair(
  { audioStore, transcribe, jobs }: StreamRepairParts,
  request: StreamRequest,
  repair: LiveRecovery['repair'],
): SessionRepair | undefined {
  if (audioStore === undefined || repair === false) return undefined;
  return {
    store: audioStore,
    async transcribe(stretch, signal) {
      const source = resolveUpload(fromStream(() => readStretch(audioStore, stretch)));
      const options = optionsOf(request, stretch);
      const transcript =
        repair === 'sync'
          ? await transcribe(source, options, signal)
          : await runJob(jobs, { source, options: { ...options } }, signal);
      // What is left behind is taken away by purge().
      await audioStore.delete(stretch.ref).catch(() => undefined);
      return transcript;
    },
  };
}

async function runJob(
  jobs: Pick<JobService, 'enqueueMany'>,
  item: { readonly source: ResolvedSource; readonly options: EnqueueOptions },
  signal: AbortSignal,
): Promise<Transcript> {
  const [job] = await jobs.enqueueMany([item]);
  if (job === undefined) throw new Error('There is no job.');
  return job.result({ signal });
}

/** Deepgram's options of the stream, as far as the pre-recorded API has them: raw audio stays raw. */
function optionsOf({ settled, options }: StreamRequest, { durationSeconds }: Stretch): RepairOptions {
  const shared = Object.entries(settled.parameters).filter(([key]) => PRERECORDED_KEYS.includes(key));
  return {
    ...(Object.fromEntries(shared) as PrerecordedDeepgramOptions),
    model: settled.protocol === 'flux' ? CLIENT_DEFAULTS.model : settled.model,
    region: settled.region.name,
    durationSeconds,
    ...defined({ userId: options.userId }),
  };
}

async function* readStretch(
  store: AudioStore,
  { ref, skippedBytes, preamble }: Stretch,
): AsyncGenerator<Uint8Array> {
  const audio = await store.open(ref);
  try {
    if (preamble !== undefined) yield preamble;
    let skip = skippedBytes;
    for await (const chunk of audio.chunks) {
      const rest = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - rest.length;
      if (rest.length > 0) yield rest;
    }
  } finally {
    await audio.close();
  }
}
