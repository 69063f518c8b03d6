import type { Clock, LiveState, LiveTransport } from '../contracts/index.js';
import { createId } from '../internal/ids.js';
import { Intake } from './intake.js';
import { LiveEvents, type LiveWarning } from './live-events.js';
import { LiveTranscription } from './live-transcription.js';
import { LiveSession } from './session.js';
import type {
  LiveOutcome,
  LivePlace,
  LiveSettings,
  SessionDependencies,
  StartableSession,
} from './session-types.js';

export interface OpenLiveRequest {
  readonly transport: LiveTransport;
  readonly options: LiveSettings;
  readonly clock: Clock;
  /** Default: a new one. */
  readonly id?: string;
  /** Waits for a place before the connection is opened; the place is given back at the end. */
  readonly acquire?: (signal: AbortSignal) => Promise<LivePlace>;
  readonly onState?: (state: LiveState) => void;
  /** Called once. `finish()` settles after it. */
  readonly onEnd?: (outcome: LiveOutcome) => void | Promise<void>;
  /** The session's own warnings, and what failed of the caller's own, such as a listener. */
  readonly onWarning?: (warning: LiveWarning) => void;
}

export type { AudioChunk } from './audio-bytes.js';
export type { LiveSource } from './byte-source.js';
export type { LiveTranscription } from './live-transcription.js';
export type { LiveOutcome, LivePlace, LiveSettings, PipeOptions } from './session-types.js';

/** Pattern 3: opens a live transcription. Returns at once; nothing happens before the caller can listen. */
export function openLive(request: OpenLiveRequest): LiveTranscription {
  const { transport, options: settings, clock, acquire } = request;
  const events = new LiveEvents(request.onWarning);
  const { start, controls } = createSession({
    transport,
    settings,
    clock,
    acquire,
    transcriptId: createId('tr'),
    onEvent: (event) => events.publish(event),
    onState: (state) => request.onState?.(state),
    onEnd: (outcome) => request.onEnd?.(outcome),
  });
  queueMicrotask(start);
  return new LiveTranscription({ id: request.id ?? createId('live'), controls, events });
}

export function createSession(dependencies: SessionDependencies): StartableSession {
  const session = new LiveSession(dependencies);
  return { start: () => session.start(), controls: new Intake(session, dependencies.clock) };
}
