import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { StorageAdapter } from '../../../src/contracts/storage.js';
import type { ClientOptions, JobStatus, TranscriptionClient } from '../../../src/index.js';
import {
  type DeepgramEmulator,
  type DeepgramEmulatorOptions,
  startDeepgramEmulator,
  synthesizeSpeech,
} from '../../../src/testing/index.js';
import { type RedisServer, startRedis } from '../../support/redis-server.mjs';
import { buildScript, type Script, type ScriptProcess } from '../../support/script-process.js';
import { openBackend, type Places } from './backend.js';

export type QueueKind = 'sqlite' | 'bullmq';

export interface WorkerOptions {
  readonly concurrency?: number;
  readonly drainMs?: number;
}

/** Some processes, a queue and a storage that they share, and the Deepgram that they call. */
export class ProcessRig {
  readonly emulator: DeepgramEmulator;
  readonly places: Places;
  readonly audioUrl: string;
  readonly redis: RedisServer | undefined;
  readonly client: TranscriptionClient;
  readonly storage: StorageAdapter;
  readonly #script: Script;
  readonly #folder: string;
  readonly #workers: ScriptProcess[] = [];
  readonly #closes: (() => Promise<void>)[] = [];

  constructor(parts: {
    emulator: DeepgramEmulator;
    places: Places;
    audioUrl: string;
    redis: RedisServer | undefined;
    script: Script;
    folder: string;
    options: ClientOptions;
  }) {
    this.emulator = parts.emulator;
    this.places = parts.places;
    this.audioUrl = parts.audioUrl;
    this.redis = parts.redis;
    this.#script = parts.script;
    this.#folder = parts.folder;
    const { client, storage, close } = this.open(parts.options);
    this.client = client;
    this.storage = storage;
    this.#closes.push(close);
  }

  /** One more client in this process. */
  open(options: ClientOptions = {}) {
    const opened = openBackend(this.places, options);
    this.#closes.push(() => opened.close());
    return opened;
  }

  /** A worker in a process of its own, once it is ready. */
  async worker({ concurrency = 4, drainMs = 10_000 }: WorkerOptions = {}): Promise<ScriptProcess> {
    const parameters = { places: this.places, concurrency, drainMs };
    const worker = this.#script.start(JSON.stringify(parameters));
    this.#workers.push(worker);
    await worker.printed('ready');
    return worker;
  }

  /** Ids of as many new jobs. */
  async enqueue(count: number, options: { readonly userId?: string } = {}): Promise<readonly string[]> {
    const jobs = await this.client.enqueueMany(
      Array.from({ length: count }, () => ({ source: this.audioUrl, options })),
    );
    return jobs.map(({ id }) => id);
  }

  async statuses(ids: readonly string[]): Promise<readonly JobStatus[]> {
    const records = await Promise.all(ids.map((id) => this.client.jobs.get(id)));
    return Promise.all(records.map((job) => job?.status() as Promise<JobStatus>));
  }

  /** Until all of them have completed. */
  async completed(ids: readonly string[], timeout = 20_000): Promise<void> {
    await vi.waitFor(
      async () => {
        const states = (await this.statuses(ids)).map(({ state }) => state);
        const others = states.filter((state) => state !== 'completed');
        if (others.length > 0) throw new Error(`not completed: ${others.join(', ')}`);
      },
      { timeout, interval: 50 },
    );
  }

  /** How many transcripts the storage has. */
  async transcripts(): Promise<number> {
    let count = 0;
    for (let cursor: string | undefined; ; ) {
      const page = await this.storage.list('transcripts', { limit: 1000, ...(cursor && { cursor }) });
      count += page.items.length;
      cursor = page.nextCursor;
      if (cursor === undefined) return count;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()));
    await Promise.all(this.#closes.map((close) => close().catch(() => undefined)));
    await this.redis?.close();
    await this.emulator.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

let script: Promise<Script> | undefined;

export interface RigOptions {
  readonly emulator?: DeepgramEmulatorOptions;
  readonly redis?: Readonly<Record<string, string>>;
  readonly lockMs?: number;
  readonly client?: ClientOptions;
}

export async function startRig(kind: QueueKind, options: RigOptions = {}): Promise<ProcessRig> {
  script ??= buildScript(new URL('./worker.ts', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'processes-'));
  const emulator = await startDeepgramEmulator(options.emulator);
  const audioUrl = emulator.serveAudio(synthesizeSpeech('one two three').audio);
  const redis = kind === 'bullmq' ? await startRedis({ appendonly: 'yes', ...options.redis }) : undefined;
  const places: Places = {
    queue:
      redis === undefined
        ? { kind: 'sqlite', path: join(folder, 'queue.db') }
        : { kind: 'bullmq', url: redis.url, name: `q${randomBytes(4).toString('hex')}` },
    storage: join(folder, 'records.db'),
    emulator: emulator.url,
    lockMs: options.lockMs ?? 3000,
  };
  return new ProcessRig({
    emulator,
    places,
    audioUrl,
    redis,
    script: await script,
    folder,
    options: options.client ?? {},
  });
}

export async function disposeScript(): Promise<void> {
  (await script)?.dispose();
  script = undefined;
}
