import type { SettledStream } from './call-options.js';
import type { EventSink, LimitsAdapter, LiveTransport, Transcript } from './contracts/index.js';
import type { LiveTransportOptions } from './deepgram/live.js';
import type { createPaidOptionWarning } from './deepgram/paid-options.js';
import { raceAbort } from './internal/abort.js';
import { defined } from './internal/defined.js';
import type { Region } from './region-options.js';
import type { SpendGuard } from './resilience/spend-guard.js';
import { settleRecovery } from './stream-recovery.js';
import { createStreamRepair, type StreamRepairParts } from './stream-repair.js';
import type { StreamRequest } from './stream-request.js';
import type { LiveRecovery, LiveSettings, SessionFactory } from './streaming/session-types.js';
import { createSession, type LivePlace } from './streaming/stream.js';

export interface StreamSessionParts extends StreamRepairParts {
  readonly limits: LimitsAdapter;
  readonly spend: SpendGuard;
  readonly warnOfCosts: ReturnType<typeof createPaidOptionWarning>;
  readonly liveTransport: (options: Omit<LiveTransportOptions, 'credentials' | 'clock'>) => LiveTransport;
  readonly project: string;
  readonly regions: readonly Region[];
  readonly emit: EventSink;
}

/** What makes the sessions of `stream()`. */
export function createStreamSessions(parts: StreamSessionParts): (request: StreamRequest) => SessionFactory {
  const { liveTransport, warnOfCosts } = parts;
  return (request) => {
    const { region, parameters, model, protocol, connectTimeoutMs } = request.settled;
    warnOfCosts(parameters, request.fields.callId);
    const transportTo = ({ endpoint, name }: Region): LiveTransport =>
      liveTransport({
        endpoint,
        region: name,
        parameters: { ...parameters, model },
        protocol,
        connectTimeoutMs,
      });
    const recovery = settleRecovery(request.options, parts.audioStore);
    return (session) => {
      const transport = transportTo(region);
      const { clock, transcriptId, settings, onEvent, onState, onEnd, random } = session;
      // No spread: V8 makes a hidden class of its own for each object that comes of one.
      return createSession({
        clock,
        transcriptId,
        random,
        onEvent,
        onState,
        onEnd,
        settings: settingsOf(settings, request, recovery),
        transport,
        transports: [transport, ...otherRegions(region, parts.regions).map(transportTo)],
        repair: createStreamRepair(parts, request, recovery.repair),
        acquire: (signal) => acquire(parts, request, signal),
      });
    };
  };
}

/**
 * Where a session may go on when its region cannot be reached: of the same residency, in their order. Audio never leaves
 * a residency, and where none is set nothing is known of it.
 */
export function otherRegions({ name, residency }: Region, regions: readonly Region[]): readonly Region[] {
  if (residency === undefined) return [];
  return regions.filter((other) => other.residency === residency && other.name !== name);
}

function settingsOf(
  { model, language, signal }: LiveSettings,
  { settled }: StreamRequest,
  { reconnect, replaySeconds, repair }: LiveRecovery,
): LiveSettings {
  const { protocol, parameters, finishTimeoutMs, encoding, sampleRate, channels } = settled;
  return {
    model,
    language,
    signal,
    reconnect,
    replaySeconds,
    repair,
    protocol,
    interimResults: protocol === 'flux' || parameters.interim_results === true,
    finishTimeoutMs,
    encoding,
    sample_rate: sampleRate,
    channels,
  };
}

async function acquire(
  { project, emit, limits, spend }: StreamSessionParts,
  { settled, options, fields, onPassed, onPlace }: StreamRequest,
  signal: AbortSignal,
): Promise<LivePlace> {
  const { model, region } = settled;
  const facts = { mode: 'stream', source: 'live', model, ...defined({ userId: options.userId }) } as const;
  const ticket = await raceAbort(spend.enter(facts), signal);
  onPassed((transcript) => ticket.settle(billedSeconds(transcript, settled)));
  const key = { project, endpoint: region.endpoint, mode: 'stream' } as const;
  const lease = await limits.acquire(key, { priority: 0, signal });
  const { waitedMs } = lease;
  onPlace(waitedMs);
  if (waitedMs >= 1) emit({ type: 'limit-wait', waitedMs, ...fields });
  return lease;
}

function billedSeconds(
  transcript: Transcript | undefined,
  { parameters }: SettledStream,
): number | undefined {
  if (transcript === undefined) return undefined;
  const channels = parameters.multichannel === true ? transcript.channels.length : 1;
  return transcript.durationSeconds * channels;
}
