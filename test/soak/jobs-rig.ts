import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, QueueAdapter } from 'transcription-client';
import {
  type DeepgramEmulator,
  type HttpFaultInput,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { openBackend, openQueue, type Places } from '../queue/processes/backend.js';
import { type RedisServer, startRedis } from '../support/redis-server.mjs';
import { buildScript, type Script, type ScriptProcess } from '../support/script-process.js';
import { Dice } from './dice.js';
import { type JobsLine, type JobsParameters, parseLines } from './jobs-lines.js';
import { JobsReceiver } from './jobs-receiver.js';

export const LOCK_MS = 1500;
const PROCESSING_MS = 60;
const FAULT_SHARE = 0.2;
/** Some longer than a lock. */
const DELAYS_MS = [300, 1000, 2000];

export type JobsKind = 'sqlite' | 'bullmq';

/** One process of the run, and what it has told. */
export class JobsProcess {
  readonly role: JobsParameters['role'];
  readonly name: string;
  readonly script: ScriptProcess;
  /** How it may end, where it may. */
  mayEndWith: readonly (number | string)[] = [];
  /** Why it ended where it should not have. */
  crash: unknown;

  constructor({ role, name }: Pick<JobsParameters, 'role' | 'name'>, script: ScriptProcess) {
    this.role = role;
    this.name = name;
    this.script = script;
    void script.ended().then(async (outcome) => {
      if (this.mayEndWith.includes(outcome)) return;
      this.crash = await script.finished().catch((error: unknown) => error);
    });
  }

  get lines(): readonly JobsLine[] {
    return parseLines(this.script.lines);
  }

  async printed(type: 'ready' | 'stopped' | 'closed'): Promise<void> {
    await this.script.printed(JSON.stringify({ type }));
  }

  async kill(): Promise<void> {
    this.mayEndWith = ['SIGKILL'];
    await this.script.kill();
  }
}

/** The processes of a run, and what they share. */
export class JobsRig implements AsyncDisposable {
  readonly kind: JobsKind;
  readonly processes: JobsProcess[] = [];
  readonly emulator: DeepgramEmulator;
  readonly receiver: JobsReceiver;
  readonly redis: RedisServer | undefined;
  readonly backend: ReturnType<typeof openBackend>;
  readonly queue: QueueAdapter;
  readonly #dice: Dice;
  #own = 0;
  readonly #script: Script;
  readonly #folder: string;
  readonly #shared: Pick<JobsParameters, 'places' | 'receiver' | 'audioUrl' | 'startedAt'>;

  private constructor(
    kind: JobsKind,
    dice: Dice,
    parts: {
      readonly emulator: DeepgramEmulator;
      readonly receiver: JobsReceiver;
      readonly redis: RedisServer | undefined;
      readonly script: Script;
      readonly folder: string;
      readonly places: Places;
    },
  ) {
    const { places, receiver, emulator } = parts;
    this.kind = kind;
    this.emulator = emulator;
    this.receiver = receiver;
    this.redis = parts.redis;
    this.#dice = dice;
    this.#script = parts.script;
    this.#folder = parts.folder;
    const { audio } = synthesizeSpeech('one two three', { sampleRate: 8000 });
    const audioUrl = emulator.serveAudio(audio);
    this.#shared = { places, receiver: receiver.url, audioUrl, startedAt: Date.now() };
    this.backend = openBackend(places);
    this.queue = openQueue(places);
  }

  static async start(kind: JobsKind, seed: number): Promise<JobsRig> {
    // First, so that nothing else is left running where it fails.
    const script = await buildScript(new URL('./processes/jobs.ts', import.meta.url));
    const dice = new Dice(seed, 0);
    const folder = mkdtempSync(join(tmpdir(), 'soak-jobs-'));
    const emulator = await startDeepgramEmulator({ processingMs: PROCESSING_MS });
    emulator.faults.random({ seed: dice.seed(), rate: FAULT_SHARE, kinds: drawFaults() });
    const settings = { appendonly: 'yes', appendfsync: 'everysec' };
    const redis = kind === 'bullmq' ? await startRedis(settings) : undefined;
    const places: Places = {
      queue:
        redis === undefined
          ? { kind: 'sqlite', path: join(folder, 'queue.db') }
          : { kind: 'bullmq', url: redis.url, name: 'soak' },
      storage: join(folder, 'records.db'),
      emulator: emulator.url,
      lockMs: LOCK_MS,
    };
    const receiver = await JobsReceiver.start(new Dice(dice.seed(), 0));
    return new JobsRig(kind, dice, { emulator, receiver, redis, script, folder, places });
  }

  /** One more process, once it is ready. */
  async start(role: JobsParameters['role'], options: Partial<JobsParameters> = {}): Promise<JobsProcess> {
    const name = `${role}-${this.processes.length}`;
    const parameters: JobsParameters = {
      role,
      name,
      ...this.#shared,
      seed: this.#dice.seed(),
      concurrency: 4,
      drainMs: 2000,
      whenDown: 'reject',
      ...options,
    };
    const started = new JobsProcess(parameters, this.#script.start(JSON.stringify(parameters)));
    this.processes.push(started);
    await started.printed('ready');
    return started;
  }

  /** As many jobs of the test itself. */
  async enqueue(count: number): Promise<readonly Job[]> {
    const source = this.#shared.audioUrl;
    const items = Array.from({ length: count }, () => {
      this.#own += 1;
      return { source, options: { tag: `own-${this.#own}` } };
    });
    const jobs = await this.backend.client.enqueueMany(items);
    return jobs;
  }

  /** All that all processes have told. */
  get lines(): readonly JobsLine[] {
    return this.processes.flatMap(({ lines }) => lines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.processes.map((each) => each.kill()));
    await this.backend.close().catch(() => undefined);
    await this.queue.close();
    await this.redis?.close();
    await this.receiver[Symbol.asyncDispose]();
    await this.emulator.close();
    this.#script.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function drawFaults(): readonly HttpFaultInput[] {
  return [
    { kind: 'status', status: 429, retryAfter: 0.2 },
    429,
    503,
    500,
    'refuse',
    { kind: 'reset', when: 'beforeUpload' },
    { kind: 'reset', when: 'afterUpload' },
    'noHeaders',
    'truncatedJson',
    ...DELAYS_MS.map((ms) => ({ kind: 'delay', ms }) as const),
  ];
}
