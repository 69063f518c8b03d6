import type { Page } from '../contracts/storage.js';
import type { JobWebhook, WebhookListQuery, WebhookMessage, Webhooks } from '../contracts/webhook.js';
import { QueueError } from '../errors/index.js';
import { checkListQuery } from '../internal/check-list-query.js';
import { invalidOption } from '../internal/validate.js';
import { createWebhookTargets, type WebhookTargets } from '../webhooks/index.js';
import { isoTime, type JobDeps, type WebhookOutlet } from './context.js';
import type { JobRecord, JobWebhookData } from './record.js';
import { toMessage, webhookIdOf } from './webhook-record.js';
import { toWebhookData } from './webhook-secrets.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhookStore } from './webhook-store.js';

const FILTERS = ['userId', 'status', 'createdFrom', 'createdBefore', 'limit', 'cursor'];
const STATUSES: readonly unknown[] = ['pending', 'delivered', 'failed'];

/** The messages about the end of jobs: their records, and who sends them. */
export class JobWebhooks implements Webhooks, WebhookOutlet {
  readonly #deps: JobDeps;
  /** Made at the first use: hosts that are none must not fail the calls that need no webhooks. */
  #targets: WebhookTargets | undefined;
  readonly #store: WebhookStore;
  readonly #sender: WebhookSender;

  constructor(deps: JobDeps) {
    const { storage, webhookSettings, webhookQueue, clock, emit, random } = deps;
    this.#deps = deps;
    this.#store = new WebhookStore(storage);
    this.#sender = new WebhookSender({
      queue: webhookQueue,
      store: this.#store,
      targets: () => this.#allowed(),
      settings: webhookSettings,
      clock,
      emit,
      random,
    });
  }

  settle(webhook: JobWebhook | undefined): JobWebhookData | undefined {
    return webhook && toWebhookData(webhook, this.#allowed(), this.#deps.webhookSettings.secret);
  }

  send(job: JobRecord): void {
    this.#sender.send(webhookIdOf(job));
  }

  async get(id: string): Promise<WebhookMessage | undefined> {
    const record = await this.#store.get(id);
    return record && toMessage(record);
  }

  async list(query: WebhookListQuery = {}): Promise<Page<WebhookMessage>> {
    checkListQuery('webhooks.list()', query, FILTERS);
    if (query.status !== undefined && !STATUSES.includes(query.status)) {
      throw invalidOption('status', `one of ${STATUSES.join(', ')}`, query.status);
    }
    const page = await this.#store.list(query);
    return { ...page, items: page.items.map(toMessage) };
  }

  async redeliver(id: string): Promise<void> {
    for (;;) {
      const record = await this.#store.get(id);
      if (record === undefined) throw new QueueError(`There is no message ${id}.`, { code: 'job_not_found' });
      if (record.status === 'pending') {
        throw new QueueError(`The message ${id} is still being delivered. Wait for its end.`, {
          code: 'job_state',
        });
      }
      const { data } = record;
      const nextAttemptAt = isoTime(this.#deps.clock);
      const again = await this.#store.replace(record, {
        status: 'pending',
        data: { ...data, attemptsMade: 0, round: data.round + 1, nextAttemptAt },
      });
      if (again !== undefined) return this.#sender.send(id);
    }
  }

  startWorker(): void {
    this.#sender.startWorker();
  }

  stopWorker(options: { readonly timeoutMs: number }): Promise<void> {
    return this.#sender.stopWorker(options);
  }

  close(): Promise<void> {
    return this.#sender.close();
  }

  #allowed(): WebhookTargets {
    const { allow } = this.#deps.webhookSettings;
    this.#targets ??= createWebhookTargets({ allow });
    return this.#targets;
  }
}
