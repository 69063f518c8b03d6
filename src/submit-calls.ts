import { fileSize } from './audio/file-size.js';
import { resolveSource } from './audio/resolve.js';
import { regionFor } from './call-options.js';
import type {
  AudioSource,
  EventSink,
  LimitsAdapter,
  ResolvedSource,
  RouteDecision,
  RouteFacts,
  StorageAdapter,
  SubmitOptions,
  Transcript,
  TranscriptMode,
} from './contracts/index.js';
import { addContext, toTranscriptionError, UnsupportedSourceError } from './errors/index.js';
import type { GivenSource } from './given-source.js';
import type { RegionWatch } from './hybrid/region-watch.js';
import { createRouter, type Router } from './hybrid/router.js';
import { type RoutedOutcome, submit } from './hybrid/submit.js';
import { raceAbort } from './internal/abort.js';
import { signalOf } from './internal/check-arguments.js';
import { defined } from './internal/defined.js';
import { within } from './internal/within.js';
import type { Lifetime } from './lifetime.js';
import type { ResolvedOptions } from './options.js';
import type { Region } from './region-options.js';
import { type Deadline, startCallDeadline } from './resilience/deadline.js';
import type { SourceGuard } from './source-guard.js';
import { createSourceProbe, type ProbeRequest } from './source-probe.js';
import { type KeyedDecision, SubmitKeys } from './submit-keys.js';
import { callFor, settleSubmit } from './submit-options.js';

export interface SubmitCallParts {
  readonly client: ResolvedOptions;
  readonly limits: LimitsAdapter;
  readonly storage: StorageAdapter;
  readonly regions: RegionWatch;
  readonly lifetime: Lifetime;
  readonly sourceGuard: Pick<SourceGuard, 'checkText'>;
  readonly emit: EventSink;
}

/** What the client does in each mode, with the options that the mode takes. */
export interface SubmitModes<Job, Live> {
  sync(options: object): Promise<Transcript>;
  async(options: object): Promise<Job>;
  stream(options: object): Live;
}

/** One `submit()` of the client. Rejects with a TranscriptionError. */
export type SubmitCall = <Job, Live>(
  given: GivenSource,
  source: AudioSource,
  options: SubmitOptions,
  modes: SubmitModes<Job, Live>,
) => Promise<RoutedOutcome<Job, Live>>;

/** Gathers the facts, lets the router decide, and hands the work on. */
export function createSubmitCalls(parts: SubmitCallParts): SubmitCall {
  const { client, lifetime, emit } = parts;
  const probe = createSourceProbe(client, emit);
  const keys = new SubmitKeys(parts.storage, client.clock);
  let router: Router | undefined;
  return async (given, source, options, modes) => {
    const resolved = given.resolve(resolveSource);
    const { route, call } = settleSubmit(options, client.router);
    const region = regionFor(call.region, client);
    router ??= createRouter(client.router);
    const limit = limitOf(route.mode, call, client, signalOf(options));
    try {
      const facts = await factsOf(
        { source, resolved, mode: route.mode, region, signal: limit.signal },
        route,
      );
      const settled = { ...call, ...defined({ durationSeconds: facts.durationSeconds }) };
      const keyed = await keep(router(facts), call, limit.signal);
      const handlers = {
        sync: () => modes.sync({ ...callFor('sync', settled), signal: limit.signal }),
        async() {
          refuseForbidden(resolved, region);
          return modes.async(callFor('async', settled));
        },
        stream() {
          refuseUrl(resolved);
          return modes.stream(callFor('stream', settled));
        },
      };
      return await submit(keyed.decision, handlers, emit).then(
        async (outcome) => {
          await keyed.end(false);
          return outcome;
        },
        async (error) => {
          await giveBack(keyed, limit.signal);
          throw error;
        },
      );
    } finally {
      limit.dispose();
    }
  };

  async function factsOf(
    request: ProbeRequest,
    route: Omit<RouteFacts, 'queueable' | 'load'>,
  ): Promise<RouteFacts> {
    const { source, resolved, region, signal } = request;
    const probed = await probeOf(request, route);
    const glance = Promise.all([fileSize(source), loadOf(parts, region)]);
    const [sizeBytes, load = NO_LOAD] = (await soon(glance, signal)) ?? [];
    return {
      ...route,
      ...probed,
      ...defined({ sizeBytes }),
      ...sourceFacts(resolved, client.audioStore !== undefined),
      load,
    };
  }

  /** Before a job is acknowledged. Its worker looks at the names too. */
  function refuseForbidden(source: ResolvedSource, region: Region): void {
    try {
      parts.sourceGuard.checkText(source, region);
    } catch (error) {
      throw addContext(toTranscriptionError(error), { region: region.name });
    }
  }

  /** A live session has no key. */
  async function keep(
    decision: RouteDecision,
    { idempotencyKey, userId }: Pick<SubmitOptions, 'idempotencyKey' | 'userId'>,
    signal: AbortSignal,
  ): Promise<KeyedDecision> {
    if (idempotencyKey === undefined || decision.mode === 'stream') {
      return { decision, end: async () => undefined };
    }
    return lifetime.track((ended) => keys.settle(decision, { idempotencyKey, userId }, ended), signal);
  }

  /** Within close(). Whoever comes again at once finds the key free, but no storage that hangs holds up the error. */
  async function giveBack(keyed: KeyedDecision, signal: AbortSignal): Promise<void> {
    const freeing = keyed.end(true);
    lifetime.addBackground(() => freeing);
    if (!signal.aborted) await within(client.clock, freeing, FREE_MS);
  }

  /** What makes a decision better must not hold it up: undefined where it takes too long. */
  async function soon<Value>(look: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
    let found: Value | undefined;
    const finding = look.then((value) => {
      found = value;
    });
    await lifetime.track((ended) => raceAbort(within(client.clock, finding, GLANCE_MS), ended), signal);
    return found;
  }

  async function probeOf(
    { signal, ...request }: ProbeRequest,
    { durationSeconds, live }: Pick<RouteFacts, 'durationSeconds' | 'live'>,
  ): Promise<Pick<RouteFacts, 'durationSeconds' | 'probed'>> {
    if (durationSeconds !== undefined || live) return {};
    const seconds = await lifetime.track((ended) => probe({ ...request, signal: ended }), signal);
    return seconds === undefined ? {} : { durationSeconds: seconds, probed: true };
  }
}

const GLANCE_MS = 250;
const FREE_MS = 50;
const NO_LOAD = { saturated: false, waiting: 0, regionFailing: false };

/** The time of a call covers what comes before it. A job's is that of one attempt. */
function limitOf(
  mode: TranscriptMode | undefined,
  { timeoutMs }: Pick<SubmitOptions, 'timeoutMs'>,
  client: ResolvedOptions,
  signal: AbortSignal | undefined,
): Deadline {
  const { clock } = client;
  return startCallDeadline({
    clock,
    timeoutMs: mode === 'async' ? client.timeoutMs : (timeoutMs ?? client.timeoutMs),
    signal,
  });
}

async function loadOf(
  { client, limits, regions }: SubmitCallParts,
  { name, endpoint }: Region,
): Promise<RouteFacts['load']> {
  const load = await limits.load?.({ project: client.project, endpoint, mode: 'sync' });
  return {
    saturated: load?.isFull ?? false,
    waiting: load?.waiting ?? 0,
    regionFailing: regions.isFailing(name),
  };
}

/** With an audio store also what can be read only once may wait: it is written down first. */
function sourceFacts(
  source: ResolvedSource,
  hasAudioStore: boolean,
): Pick<RouteFacts, 'queueable' | 'sizeBytes' | 'contentType'> {
  if (source.kind === 'url') return { queueable: true };
  const { sizeBytes, contentType } = source;
  return {
    queueable: source.reopenable || hasAudioStore,
    ...defined({ sizeBytes, contentType: mediaType(contentType) }),
  };
}

/** Parameters could hold the name of a file. */
function mediaType(contentType: string | undefined): string | undefined {
  return /^\s*([\w.+-]{1,100}\/[\w.+-]{1,100})\s*(;|$)/.exec(contentType ?? '')?.[1]?.toLowerCase();
}

function refuseUrl(source: ResolvedSource): void {
  if (source.kind !== 'url') return;
  throw new UnsupportedSourceError(
    'A URL cannot be streamed, because this library does not fetch it. Use mode sync or async, or pass its stream.',
    { code: 'unsupported_source' },
  );
}
