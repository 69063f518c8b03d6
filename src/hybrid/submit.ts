import type { EventSink, RouteDecision, Transcript } from '../contracts/index.js';

/** What became of a submission. `decision` says why. */
export type RoutedOutcome<Job, Live> =
  | { readonly mode: 'sync'; readonly transcript: Transcript; readonly decision: RouteDecision }
  | { readonly mode: 'async'; readonly job: Job; readonly decision: RouteDecision }
  | { readonly mode: 'stream'; readonly live: Live; readonly decision: RouteDecision };

/** One function a mode: what each does is not the router's business. */
export interface ModeHandlers<Job, Live> {
  sync(): Promise<Transcript>;
  async(): Promise<Job>;
  stream(): Live;
}

/** Pattern 4: hands the work on to the mode that was picked. */
export async function submit<Job, Live>(
  decision: RouteDecision,
  handlers: ModeHandlers<Job, Live>,
  emit: EventSink,
): Promise<RoutedOutcome<Job, Live>> {
  emit({ type: 'route', ...decision });
  switch (decision.mode) {
    case 'sync':
      return { mode: 'sync', transcript: await handlers.sync(), decision };
    case 'async':
      return { mode: 'async', job: await handlers.async(), decision };
    case 'stream':
      return { mode: 'stream', live: handlers.stream(), decision };
  }
}
