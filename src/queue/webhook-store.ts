import type { Page, StorageAdapter, StoredRecord } from '../contracts/storage.js';
import type { WebhookListQuery } from '../contracts/webhook.js';
import { fromStoredWebhook, toRecordInput, type WebhookRecord } from './webhook-record.js';

/** Messages in the storage, which reports its own failures. */
export class WebhookStore {
  readonly #storage: StorageAdapter;

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  get isDurable(): boolean {
    return this.#storage.capabilities.durable;
  }

  async get(id: string): Promise<WebhookRecord | undefined> {
    const stored = await this.#storage.get('webhooks', id);
    return stored && fromStoredWebhook(stored);
  }

  /** A message that cannot be read is left out, so that it does not keep the others from being sent. */
  async list(query: WebhookListQuery): Promise<Page<WebhookRecord>> {
    const page = await this.#storage.list('webhooks', query);
    return { ...page, items: page.items.flatMap(readable) };
  }

  /** Those of the messages that are still to be sent. */
  async pendingOf(ids: readonly string[]): Promise<readonly WebhookRecord[]> {
    const stored = await Promise.all(ids.map((id) => this.#storage.get('webhooks', id)));
    const records = stored.flatMap((record) => (record === undefined ? [] : readable(record)));
    return records.filter(({ status }) => status === 'pending');
  }

  /** Resolves to undefined, having changed nothing, where another writer came in between. */
  async replace(
    record: WebhookRecord,
    change: Partial<Pick<WebhookRecord, 'status' | 'data'>>,
  ): Promise<WebhookRecord | undefined> {
    const { version, ...rest } = record;
    const next = { ...rest, ...change };
    const isWritten = await this.#storage.put(toRecordInput(next), { expectedVersion: version });
    return isWritten ? { ...next, version: version + 1 } : undefined;
  }
}

function readable(stored: StoredRecord): readonly WebhookRecord[] {
  try {
    return [fromStoredWebhook(stored)];
  } catch {
    return [];
  }
}
