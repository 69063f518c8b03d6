import type { Clock } from '../contracts/clock.js';
import type { EventSink } from '../contracts/events.js';
import type { EntryOutcome, QueueAdapter, QueueEntry, QueueWorker } from '../contracts/queue.js';
import { AbortedError } from '../errors/index.js';
import { raceAbort } from '../internal/abort.js';
import { defined } from '../internal/defined.js';
import { Periodic } from '../internal/periodic.js';
import { within } from '../internal/within.js';
import { startDeadline } from '../resilience/deadline.js';
import {
  deliverWebhook,
  type WebhookDelivery,
  type WebhookTargets,
  webhookDelayMs,
} from '../webhooks/index.js';
import { Backlog } from './backlog.js';
import { isoTime, type WebhookSettings } from './context.js';
import { fromEntryId, toEntryId } from './entry.js';
import { DONE } from './finish.js';
import { LOOKED_AT_ONCE, Reconciler } from './reconciler.js';
import { type WebhookRecord, withAttempt } from './webhook-record.js';
import { secretsOf } from './webhook-secrets.js';
import type { WebhookStore } from './webhook-store.js';

export interface WebhookSenderParts {
  /** Its own: deliveries wait for hours, and jobs must not wait behind them. */
  readonly queue: QueueAdapter;
  readonly store: WebhookStore;
  readonly targets: () => WebhookTargets;
  readonly settings: WebhookSettings;
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly random?: (() => number) | undefined;
}

/** Of a storage that does not answer. */
const STORAGE_AGAIN_MS = 5000;
const QUEUE_AGAIN = { minDelayMs: 500, maxDelayMs: 5000 };

/** Delivers the messages about the end of jobs. They are records of the storage; the queue holds their ids and times. */
export class WebhookSender {
  readonly #parts: WebhookSenderParts;
  readonly #closing = new AbortController();
  /** Ids of messages that the queue has yet to get. */
  readonly #unqueued: Backlog<{ readonly id: string }>;
  /**
   * In a queue of this process: the version at which an entry was made. Where somebody else has written the record since,
   * the message is theirs to deliver.
   */
  readonly #versions = new Map<string, number>();
  #worker: QueueWorker | undefined;
  /** Finds what is in the storage and not in the queue. */
  #finder: Pick<Periodic, 'start' | 'stop'> | undefined;

  constructor(parts: WebhookSenderParts) {
    this.#parts = parts;
    this.#unqueued = new Backlog({
      clock: parts.clock,
      closing: this.#closing.signal,
      backoff: QUEUE_AGAIN,
      work: (messages) => this.#addToQueue(messages.map(({ id }) => id)),
    });
  }

  /** The storage has this message. It is read and queued in the background, again and again until that succeeds. */
  send(id: string): void {
    this.#unqueued.add(id, { id });
  }

  startWorker(): void {
    const { queue, settings, emit } = this.#parts;
    const { concurrency } = settings;
    this.#worker = queue.startWorker((entry, signal) => this.#run(entry, signal), {
      concurrency,
      onError: () => emit(SENDER_ERROR),
    });
    this.#finder = this.#createFinder();
    this.#finder?.start();
  }

  async stopWorker(options: { readonly timeoutMs: number }): Promise<void> {
    const [worker, finder] = [this.#worker, this.#finder];
    this.#worker = undefined;
    this.#finder = undefined;
    const stopped = Promise.resolve(finder?.stop());
    await Promise.all([within(this.#parts.clock, stopped, options.timeoutMs), worker?.close(options)]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#unqueued.settled();
    await this.#parts.queue.close();
  }

  async #addToQueue(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += LOOKED_AT_ONCE) {
      await this.#addAll(await this.#parts.store.pendingOf(ids.slice(start, start + LOOKED_AT_ONCE)));
    }
  }

  async #addAll(records: readonly WebhookRecord[]): Promise<void> {
    if (records.length > 0) await this.#parts.queue.add(records.map((record) => this.#entry(record)));
  }

  /** A queue in the process gets once what a process before this one has left. */
  #createFinder(): Pick<Periodic, 'start' | 'stop'> | undefined {
    const { clock, queue, store } = this.#parts;
    if (queue.missing !== undefined) return this.#createReconciler();
    if (!store.isDurable) return undefined;
    const finder: Periodic = new Periodic(clock, STORAGE_AGAIN_MS, async () => {
      await this.#addLeft(finder);
      void finder.stop();
    });
    return finder;
  }

  async #addLeft(finder: Periodic): Promise<void> {
    for (let cursor: string | undefined; !finder.isStopped; ) {
      const page = await this.#parts.store.list({ status: 'pending', ...defined({ cursor }) });
      await this.#addAll(page.items);
      if (page.nextCursor === undefined) return;
      cursor = page.nextCursor;
    }
  }

  #createReconciler(): Reconciler<WebhookRecord> {
    const { clock, queue, store, emit } = this.#parts;
    return new Reconciler<WebhookRecord>({
      clock,
      queue,
      lists: [(cursor) => store.list({ status: 'pending', limit: LOOKED_AT_ONCE, ...defined({ cursor }) })],
      entryIdOf: toEntryId,
      entriesOf: async (ids) => (await store.pendingOf(ids)).map((record) => this.#entry(record)),
      found: (count) =>
        emit({
          type: 'warning',
          code: 'queue-lost-webhooks',
          message: `The queue did not have ${count} messages that the storage knows. It has got them again.`,
        }),
    });
  }

  #entry(record: WebhookRecord): QueueEntry {
    const { queue, clock } = this.#parts;
    const id = toEntryId(record);
    // One that is there keeps its version: the record that was read may be older than what its run has written.
    if (queue.missing === undefined && !this.#versions.has(id)) this.#versions.set(id, record.version);
    const delayMs = Math.max(0, Date.parse(record.data.nextAttemptAt) - clock.wallMs());
    return { id, priority: 0, delayMs };
  }

  /** Runs one entry: one attempt. */
  async #run(entry: QueueEntry, signal: AbortSignal): Promise<EntryOutcome> {
    try {
      const claimed = await this.#claim(entry.id);
      if (claimed === undefined) return this.#done(entry.id);
      const delivery = await this.#attempt(claimed, signal);
      if (delivery !== undefined) return await this.#settle(claimed, delivery, entry.id);
      await this.#giveBack(claimed, entry.id);
      return AGAIN;
    } catch {
      // The storage tells of its failures itself.
      return { type: 'again', delayMs: STORAGE_AGAIN_MS };
    }
  }

  /** Undefined where there is nothing to deliver, or somebody else does it. */
  async #claim(entryId: string): Promise<WebhookRecord | undefined> {
    const { store } = this.#parts;
    const { jobId: id, round } = fromEntryId(entryId);
    const record = await store.get(id);
    if (record === undefined || record.status !== 'pending' || record.data.round !== round) return undefined;
    if ((this.#versions.get(entryId) ?? record.version) !== record.version) return undefined;
    const data = { ...record.data, attemptsMade: record.data.attemptsMade + 1 };
    const claimed = await store.replace(record, { data });
    if (claimed !== undefined) this.#written(entryId, claimed);
    return claimed;
  }

  /** Undefined where the worker is closing, or has lost the entry: another run makes the attempt anew. */
  async #attempt(record: WebhookRecord, signal: AbortSignal): Promise<WebhookDelivery | undefined> {
    const { settings, targets, clock } = this.#parts;
    const { webhook, body } = record.data;
    const { timeoutMs } = settings;
    const deadline = startDeadline({ clock, timeoutMs, signal, ...SECRET_DEADLINE });
    try {
      const asked = secretsOf(webhook, settings.secret, record.userId);
      const secrets = await raceAbort(asked, deadline.signal).finally(() => deadline.dispose());
      const { id } = record;
      return await deliverWebhook({
        url: webhook.url,
        id,
        body,
        secrets,
        targets: targets(),
        clock,
        signal,
        timeoutMs,
      });
    } catch (error) {
      if (signal.aborted || error instanceof AbortedError) return undefined;
      // The secret comes from a function of the user's, which may have it the next time.
      this.#parts.emit({ ...NO_SECRET, jobId: record.data.jobId });
      return { outcome: 'failed', code: 'not_sent', durationMs: 0 };
    }
  }

  /** An attempt that a close has ended does not count. Where somebody else wrote the record, theirs stays. */
  async #giveBack(record: WebhookRecord, entryId: string): Promise<void> {
    const { data } = record;
    const given = { ...data, attemptsMade: data.attemptsMade - 1 };
    const written = await this.#parts.store.replace(record, { data: given });
    if (written !== undefined) this.#written(entryId, written);
  }

  async #settle(record: WebhookRecord, delivery: WebhookDelivery, entryId: string): Promise<EntryOutcome> {
    const { store, clock, random } = this.#parts;
    const { outcome, httpStatus, code, durationMs, retryAfterMs } = delivery;
    const attempt = { at: isoTime(clock), outcome, durationMs, ...defined({ httpStatus, code }) };
    const data = withAttempt(record.data, attempt);
    this.#tell(record, delivery);
    const delayMs =
      outcome === 'failed'
        ? webhookDelayMs(data.attemptsMade, { retryAfterMs, ...defined({ random }) })
        : undefined;
    if (delayMs === undefined) {
      await store.replace(record, { data, status: outcome === 'delivered' ? 'delivered' : 'failed' });
      return this.#done(entryId);
    }
    const next = await store.replace(record, { data: { ...data, nextAttemptAt: isoTime(clock, delayMs) } });
    if (next === undefined) return this.#done(entryId);
    this.#written(entryId, next);
    return { type: 'again', delayMs };
  }

  #tell({ data }: WebhookRecord, { outcome, durationMs, httpStatus }: WebhookDelivery): void {
    this.#parts.emit({
      type: 'webhook-delivery',
      jobId: data.jobId,
      attempt: data.attemptsMade,
      status: outcome === 'delivered' ? 'success' : 'error',
      durationMs,
      ...defined({ httpStatus }),
    });
  }

  #written(entryId: string, { version }: WebhookRecord): void {
    if (this.#versions.has(entryId)) this.#versions.set(entryId, version);
  }

  #done(entryId: string): EntryOutcome {
    this.#versions.delete(entryId);
    return DONE;
  }
}

const AGAIN: EntryOutcome = { type: 'again', delayMs: 0 };

const SECRET_DEADLINE = {
  what: 'The function webhooks.secret',
  advice: 'Keep the secrets where they can be read fast.',
} as const;

const NO_SECRET = {
  type: 'warning',
  code: 'webhook-not-signed',
  message: 'webhooks.secret gave no secret for a message, so it was not sent. It is tried again.',
} as const;

const SENDER_ERROR = {
  type: 'warning',
  code: 'worker-error',
  message: 'The sender of webhooks met an error that is none of the message. It is tried again.',
} as const;
