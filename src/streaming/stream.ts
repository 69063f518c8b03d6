import type { Clock, LiveEvent, LiveState, LiveTransport } from '../contracts/index.js';
import { createId } from '../internal/ids.js';
import { SafeEmitter } from '../internal/safe-emitter.js';
import { EventFeed } from './event-feed.js';
import { Intake } from './intake.js';
import { LiveTranscription } from './live-transcription.js';
import { LiveSession } from './session.js';
import type { LiveOutcome, LivePlace, LiveSettings } from './session-types.js';

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
  readonly onWarning?: (warning: { code: string; message: string; cause?: unknown }) => void;
}

export type { AudioChunk } from './audio-bytes.js';
export type { LiveSource } from './byte-source.js';
export type { LiveTranscription } from './live-transcription.js';
export type { PipeOptions } from './pipe.js';
export type { LiveOutcome, LivePlace, LiveSettings } from './session-types.js';

/** Pattern 3: opens a live transcription. Returns at once; nothing happens before the caller can listen. */
export function openLive(request: OpenLiveRequest): LiveTranscription {
  const feed = new EventFeed();
  const emitter = new SafeEmitter<LiveEvent>((cause, type) =>
    request.onWarning?.({
      code: 'listener_failed',
      message: `A listener of the live event ${type} failed.`,
      cause,
    }),
  );
  const session = new LiveSession({
    transport: request.transport,
    settings: request.options,
    clock: request.clock,
    acquire: request.acquire,
    // The caller first: what a listener causes must not reach it before its cause.
    onEvent: (event) => {
      if (event.type === 'warning') request.onWarning?.({ code: event.code, message: event.message });
      feed.push(event);
      emitter.emit(event);
    },
    onState: (state) => request.onState?.(state),
    onEnd: (outcome) => request.onEnd?.(outcome),
  });
  queueMicrotask(() => session.start());
  return new LiveTranscription({
    id: request.id ?? createId('live'),
    session,
    intake: new Intake(session, request.clock),
    feed,
    emitter,
  });
}
