import { readEvents, type ServerEvent } from './event-stream.js';
import { HttpClientError, invalidResponse, networkError } from './http-client-error.js';
import { IdleWatch } from './idle-watch.js';
import type { HttpClientSettings } from './options.js';
import { Reconnection } from './reconnection.js';
import type { Requests } from './requests.js';
import type { JobEventAnswer } from './types.js';

interface JobEventsParts {
  readonly requests: Requests;
  readonly settings: HttpClientSettings;
  /** Of the job's events. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
}

/** The events of a job over as many connections as it takes. Ends after the last state. */
export async function* followJob(parts: JobEventsParts): AsyncGenerator<JobEventAnswer, void, undefined> {
  const { settings, signal } = parts;
  const reconnection = new Reconnection(settings.giveUpAfterMs);
  let lastId: string | undefined;
  for (;;) {
    const watch = new IdleWatch(settings.idleTimeoutMs, signal);
    let lost: unknown;
    try {
      for await (const told of connect(parts, watch, reconnection, lastId)) {
        if (told === 'ended') return;
        lastId = told.id ?? lastId;
        yield told.event;
        if (isLast(told.event)) return;
      }
    } catch (error) {
      lost = error;
    } finally {
      watch.dispose();
    }
    await reconnection.wait(lost ?? networkError(undefined, undefined), signal);
  }
}

interface NumberedEvent {
  readonly event: JobEventAnswer;
  readonly id: string | undefined;
}

/** The events of one connection. Rejects with an HttpClientError. */
async function* connect(
  { requests, path }: JobEventsParts,
  watch: IdleWatch,
  reconnection: Reconnection,
  lastId: string | undefined,
): AsyncGenerator<NumberedEvent | 'ended', void, undefined> {
  watch.wait();
  const response = await requests.open({
    path,
    headers: { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) },
    signal: watch.signal,
  });
  // The last state has been told already.
  if (response.status === 204) yield 'ended';
  const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '');
  if (!isStream || response.body === null) throw invalidResponse(response);
  const onBytes = (): void => {
    watch.rest();
    reconnection.connected();
  };
  const listeners = { onWait: watch.wait, onBytes, onRetry: reconnection.serverDelay };
  try {
    for await (const event of readEvents(response.body, listeners)) {
      const parsed = parse(event, response);
      yield { event: parsed, id: event.id };
    }
  } catch (cause) {
    throw HttpClientError.isInstance(cause) ? cause : networkError(cause, undefined);
  }
}

function parse({ data }: ServerEvent, response: Response): JobEventAnswer {
  try {
    const event = JSON.parse(data) as JobEventAnswer | null;
    if (typeof event?.type === 'string' && typeof event.status?.state === 'string') return event;
  } catch {
    // It is none, as the other ones below.
  }
  throw invalidResponse(response);
}

function isLast({ status }: JobEventAnswer): boolean {
  return status.state === 'completed' || status.state === 'failed' || status.state === 'cancelled';
}
