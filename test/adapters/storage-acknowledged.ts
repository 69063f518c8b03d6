import type { StorageAdapter, StoredRecord } from 'transcription-client';
import { expect } from 'vitest';
import type { Script } from '../support/script-process.js';

/** What writers that were killed had been told, over all of them. See storage-processes/writer.ts. */
export class Acknowledged {
  readonly #there = new Set<string>();
  readonly #gone = new Set<string>();
  #count = 0;

  get size(): number {
    return this.#there.size;
  }

  /** Starts a writer, and kills it so long after its first acknowledgement. */
  async killed(script: Script, args: readonly string[], delayMs: number): Promise<void> {
    const [kind = '', place = '', round = ''] = args;
    const writer = script.start(kind, place, round);
    await writer.printed(`put single-${round}-0`);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await writer.kill();
    for (const line of writer.lines) this.#note(line);
  }

  #note(line: string): void {
    const [what, name = ''] = line.split(' ');
    if (what === 'put') this.#there.add(name);
    // From here on it may be there or not.
    if (what === 'deleting') this.#there.delete(name);
    if (what === 'deleted') this.#gone.add(name);
    if (what === 'count') this.#count = Number(name);
  }

  /** Checks that everything is there as it was written, and that transactions are whole. */
  async check(storage: StorageAdapter): Promise<void> {
    const found = await allJobs(storage);
    expect([...this.#there].filter((id) => !found.has(id))).toEqual([]);
    expect([...this.#gone].filter((id) => found.has(id))).toEqual([]);
    for (const { id, data } of found.values()) {
      if (id === 'count') continue;
      const { id: inside, text } = data as { id: string; text: string };
      if (inside !== id || text !== id.repeat(text.length / id.length)) expect.fail(`${id} is damaged`);
      const other = id.startsWith('left') ? id.replace('left', 'right') : id.replace('right', 'left');
      if (!found.has(other)) expect.fail(`${id} is there without ${other}`);
    }
    const { next } = (found.get('count')?.data ?? { next: 0 }) as { next: number };
    // The last one may have been made without anybody being told.
    expect(next - this.#count).toBeGreaterThanOrEqual(0);
    expect(next - this.#count).toBeLessThanOrEqual(1);
  }
}

async function allJobs(storage: StorageAdapter): Promise<Map<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>();
  for (let cursor: string | undefined; ; ) {
    const page = await storage.list('jobs', { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    for (const item of page.items) found.set(item.id, item);
    cursor = page.nextCursor;
    if (cursor === undefined) return found;
  }
}
