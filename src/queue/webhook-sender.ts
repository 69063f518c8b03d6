import type { Clock } from '../contracts/clock.js';
import type { EventSink } from '../contracts/events.js';
import type { EntryOutcome, QueueAdapter, QueueEntry, QueueWorker } from '../contracts/queue.js';
import { AbortedError } from '../errors/index.js';
import { defined } from '../internal/defined.js';
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
  readonly #reconciler: Reconciler<WebhookRecord>;
  readonly #closing = new AbortController();
  readonly #added: Backlog<QueueEntry>;
  /**
   * In a queue of this process: the version at which an entry was made. Where somebody else has written the record since,
   * the message is theirs to deliver.
   */
  readonly #versions = new Map<string, number>();
  #worker: QueueWorker | undefined;

  constructor(parts: WebhookSenderParts) {
    this.#parts = parts;
    this.#added = new Backlog({
      clock: parts.clock,
      closing: this.#closing.signal,
      backoff: QUEUE_AGAIN,
      work: (entries) => parts.queue.add(entries),
    });
    this.#reconciler = this.#createReconciler();
  }

  /** The storage has this message. What the queue does not take now, the reconciler of a worker gives it. */
  send(record: Pick<WebhookRecord, 'id' | 'version' | 'data'>): void {
    const entry = this.#entry(record);
    this.#added.add(entry.id, entry);
  }

  startWorker(): void {
    const { queue, settings, emit } = this.#parts;
    const { concurrency } = settings;
    this.#worker = queue.startWorker((entry, signal) => this.#run(entry, signal), {
      concurrency,
      onError: () => emit(SENDER_ERROR),
    });
    if (queue.missing !== undefined) this.#reconciler.start();
    else if (this.#parts.store.isDurable) void this.#addPending().catch(() => undefined);
  }

  async stopWorker(options: { readonly timeoutMs: number }): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await Promise.all([this.#reconciler.stop(), worker?.close(options)]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#added.settled();
    await this.#parts.queue.close();
  }

  /** What a process before this one has left. */
  async #addPending(): Promise<void> {
    const { store } = this.#parts;
    for (let cursor: string | undefined; !this.#closing.signal.aborted; ) {
      const page = await store.list({ status: 'pending', ...defined({ cursor }) });
      for (const record of page.items) if (!this.#versions.has(toEntryId(record))) this.send(record);
      if (page.nextCursor === undefined) return;
      cursor = page.nextCursor;
    }
  }

  #createReconciler(): Reconciler<WebhookRecord> {
    const { clock, queue, store, emit } = this.#parts;
    return new Reconciler({
      clock,
      queue,
      lists: [(cursor) => store.list({ status: 'pending', limit: LOOKED_AT_ONCE, ...defined({ cursor }) })],
      entryIdOf: toEntryId,
      createdAtOf: ({ createdAt }) => createdAt,
      entriesOf: async (records) => {
        const present = await Promise.all(records.map(({ id }) => store.get(id)));
        return present.flatMap((record) => (record?.status === 'pending' ? [this.#entry(record)] : []));
      },
      found: (count) =>
        emit({
          type: 'warning',
          code: 'queue-lost-webhooks',
          message: `The queue did not have ${count} messages that the storage knows. It has got them again.`,
        }),
    });
  }

  #entry(record: Pick<WebhookRecord, 'id' | 'version' | 'data'>): QueueEntry {
    const { queue, clock } = this.#parts;
    const id = toEntryId(record);
    if (queue.missing === undefined) this.#versions.set(id, record.version);
    const delayMs = Math.max(0, Date.parse(record.data.nextAttemptAt) - clock.wallMs());
    return { id, priority: 0, delayMs };
  }

  /** Runs one entry: one attempt. */
  async #run(entry: QueueEntry, signal: AbortSignal): Promise<EntryOutcome> {
    try {
      const claimed = await this.#claim(entry.id);
      if (claimed === undefined) return this.#done(entry.id);
      const delivery = await this.#attempt(claimed, signal);
      return delivery === undefined ? AGAIN : await this.#settle(claimed, delivery, entry.id);
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
    try {
      const secrets = await secretsOf(webhook, settings.secret, record.userId);
      const { timeoutMs } = settings;
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
