import type { Job, JobEvent, JobStatus } from '../../../contracts/index.js';
import { toTranscriptionError } from '../../../errors/index.js';
import type { JobEventAnswer } from '../answers.js';
import { EventPlaces } from '../event-places.js';
import { eventStream, type ServerEvent } from '../event-stream.js';
import { jobAnswer } from '../job-answer.js';
import type { HttpSettings } from '../options.js';
import { ownJob } from '../owned.js';
import { detailsOf } from '../problem.js';
import type { OwnCall, Route } from '../types.js';

const PATH = '/jobs/:id/events';

/** `GET /jobs/:id/events`: the present state, then each step, as server-sent events. */
export function jobEventsRoute({ limits }: HttpSettings): Route {
  const places = new EventPlaces(limits);
  return {
    method: 'GET',
    path: PATH,
    scope: 'read',
    async handle(call) {
      const { job, status } = await ownJob(call);
      const seen = call.request.headers.get('last-event-id');
      // A browser comes again after every end, until it is told so that there is no more.
      if (isEnd(status) && idOf(status) === seen) return new Response(null, { status: 204, headers: UNKEPT });
      const { settings, request, principal } = call;
      const onEnd = places.take(principal);
      const source = eventsOf(job, onEnd);
      const body = eventStream({
        source,
        toEvent: eventsAfter(seen, settings),
        clock: settings.clock,
        heartbeatMs: settings.heartbeatMs,
        signal: request.signal,
        onError: (error) => report(error, call),
        onEnd,
      });
      return new Response(body, { headers: HEADERS });
    },
  };
}

/** Where there are none to follow, the place is free again. */
function eventsOf(job: Job, onEnd: () => void): AsyncIterator<JobEvent> {
  try {
    return job.events()[Symbol.asyncIterator]();
  } catch (error) {
    onEnd();
    throw error;
  }
}

const UNKEPT = { 'cache-control': 'no-store' };
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // nginx would gather the events otherwise.
  'x-accel-buffering': 'no',
};

/** Leaves out the state that was told last: by the stream before, or because a write has not changed it. */
function eventsAfter(
  seen: string | null,
  settings: HttpSettings,
): (event: JobEvent) => ServerEvent | undefined {
  let last = seen;
  return (event) => {
    const data = { ...event, status: jobAnswer(event.status, settings) } as JobEventAnswer;
    // Without an id: progress is not kept, so that it is nothing a browser could come back to.
    if (event.type === 'progress') return { event: event.type, data };
    const id = idOf(event.status);
    if (id === last) return undefined;
    last = id;
    return { event: event.type, id, data };
  };
}

/**
 * Says which state was seen, and not how many events: a browser may come again to another process, or after a restart,
 * where nobody knows what was sent. The feed begins with the present state, which is left out where its id is the one
 * that the browser has. The time tells attempts apart that have one number: one that Deepgram's limit ended gives it
 * back, and a retry of the job begins at 0 again.
 */
function idOf(status: JobStatus): string {
  const { state, attempts } = status;
  switch (status.state) {
    case 'queued':
      return `${state}-${attempts}`;
    case 'active':
      return `${state}-${attempts}-${Date.parse(status.startedAt)}`;
    default:
      return `${state}-${attempts}-${Date.parse(status.finishedAt)}`;
  }
}

function isEnd({ state }: JobStatus): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/** The stream has begun: it ends, the browser comes again, and hears what is wrong then. */
function report(error: unknown, { settings, requestId }: OwnCall): void {
  if (detailsOf(error).status >= 500)
    settings.onError(toTranscriptionError(error), { requestId, route: PATH });
}
