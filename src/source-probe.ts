import type { AudioSource, EventSink, ResolvedSource, TranscriptMode } from './contracts/index.js';
import type { ResolvedOptions } from './options.js';
import { createProbeTargets, localOpener, probeSeconds, remoteOpener } from './probe/index.js';
import type { RangeReader } from './probe/range-reader.js';
import type { Region } from './region-options.js';

/** What is to be probed, and why. */
export interface ProbeRequest {
  readonly source: AudioSource;
  /** The same, looked at: the caller may change a URL meanwhile. */
  readonly resolved: ResolvedSource;
  /** The mode that the caller asked for. */
  readonly mode: TranscriptMode | undefined;
  /** Whose `allowedSources` may be read. */
  readonly region: Region;
  readonly signal: AbortSignal;
}

/** The length of audio whose caller did not tell it, in seconds; undefined where it stays unknown. */
export type SourceProbe = (request: ProbeRequest) => Promise<number | undefined>;

/** Reads what the router, or a limit of `spend`, has a use for, and nothing else. */
export function createSourceProbe(client: ResolvedOptions, emit: EventSink): SourceProbe {
  const { clock, router, spend } = client;
  const { probe = 'local' } = router;
  const isLimited = spend.maxDurationSeconds !== undefined || spend.maxAudioSecondsPerHour !== undefined;
  let isMissingTold = false;
  function onMissing(): void {
    if (isMissingTold) return;
    isMissingTold = true;
    emit(PARSER_MISSING);
  }
  return async (request) => {
    const { mode, signal } = request;
    if (probe === false || (request.resolved.kind === 'url' && probe === 'local')) return undefined;
    if (mode === 'stream' || (mode !== undefined && !isLimited)) return undefined;
    const open = openerOf(request);
    return open && probeSeconds({ open, clock, signal, onMissing });
  };
}

function openerOf({
  source,
  resolved,
  region,
}: ProbeRequest): ((signal: AbortSignal) => Promise<RangeReader>) | undefined {
  if (resolved.kind !== 'url') return localOpener(source);
  return remoteOpener(resolved.url, createProbeTargets({ allow: region.allowedSources }));
}

const PARSER_MISSING = {
  type: 'warning',
  code: 'probe-unavailable',
  message:
    'The length of the audio was not read, because the packages music-metadata and @tokenizer/range are not ' +
    'installed. Install them, pass durationSeconds, or set router.probe to false.',
} as const;
