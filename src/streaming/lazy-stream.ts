import { createId } from '../internal/ids.js';
import { LazyControls } from './lazy-controls.js';
import { LiveEvents } from './live-events.js';
import { LiveTranscription } from './live-transcription.js';
import type { PendingSession, SessionFactory } from './session-types.js';
import type { OpenLiveRequest } from './stream.js';

export interface OpenLazilyRequest extends Omit<OpenLiveRequest, 'transport' | 'acquire'> {
  /** Name of the region that the session will connect to. */
  readonly region: string;
  readonly load: () => Promise<SessionFactory>;
}

/** Like `openLive()`, for a session whose code is not loaded yet. What is asked of it meanwhile is kept. */
export function openLiveLazily(request: OpenLazilyRequest): LiveTranscription {
  const { options: settings, clock, region, load } = request;
  const events = new LiveEvents(request.onWarning);
  const pending: PendingSession = {
    settings,
    clock,
    transcriptId: createId('tr'),
    onEvent: (event) => events.publish(event),
    onState: (state) => request.onState?.(state),
    onEnd: (outcome) => request.onEnd?.(outcome),
  };
  const controls = new LazyControls(pending, region, load);
  return new LiveTranscription({ id: request.id ?? createId('live'), controls, events });
}
