import type { Clock, TimerHandle } from '../contracts/clock.js';
import type { JobProgress } from '../contracts/job.js';
import type { QueueChannel } from '../contracts/queue.js';
import { createId } from '../internal/ids.js';

/** What other processes hear of a job. Its status they read in the storage, where somebody follows it. */
export interface RemoteChange {
  readonly jobId: string;
  readonly version: number;
  /** Missing where the state has changed. */
  readonly progress?: JobProgress;
}

export interface ChangeListener {
  changed(change: RemoteChange): void;
  /** Changes may have been missed. */
  gap(): void;
}

/** Changes of one message, at most. */
const AT_ONCE = 500;
/** Changes of this long are one message: a worker tells of thousands of jobs a second. */
const GATHER_MS = 20;
/** Changes that wait, at most. What is more while the queue is down is not told: who follows looks at the storage. */
const MAX_GATHERED = 10_000;

/** Tells the other processes of a queue of changes, and hears of theirs. What it misses, a look at the storage finds. */
export class ChangeChannel {
  readonly #channel: QueueChannel;
  readonly #clock: Clock;
  readonly #listener: ChangeListener;
  readonly #sender = createId('call');
  readonly #gathered: RemoteChange[] = [];
  #timer: TimerHandle | undefined;
  /** One at a time: what comes meanwhile waits for it. */
  #publishing: Promise<void> | undefined;
  #listening: Promise<() => void> | undefined;
  #isClosed = false;

  constructor(channel: QueueChannel, clock: Clock, listener: ChangeListener) {
    this.#channel = channel;
    this.#clock = clock;
    this.#listener = listener;
  }

  send(change: RemoteChange): void {
    if (this.#isClosed || this.#gathered.length >= MAX_GATHERED) return;
    this.#gathered.push(change);
    this.#publishLater();
  }

  /** Resolves when changes are heard from now on, or when that failed: the next call tries again. */
  async listen(): Promise<void> {
    if (this.#isClosed) return;
    this.#listening ??= this.#channel.subscribe({
      message: (text) => this.#receive(text),
      gap: () => this.#listener.gap(),
    });
    try {
      await this.#listening;
    } catch {
      this.#listening = undefined;
    }
  }

  /** Sends what is left. Never rejects. */
  async close(): Promise<void> {
    const stop = await this.#listening?.catch(() => undefined);
    stop?.();
    this.#isClosed = true;
    this.#flush();
    await this.#publishing;
  }

  #publishLater(): void {
    this.#timer ??= this.#clock.setTimer(() => this.#flush(), GATHER_MS);
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#gathered.length > 0) this.#publishing ??= this.#publish();
  }

  /** All of it, but for what is less than a whole message by then. After the close all of it. */
  async #publish(): Promise<void> {
    for (let least = 1; this.#gathered.length >= least; least = this.#isClosed ? 1 : AT_ONCE) {
      const changes = this.#gathered.splice(0, AT_ONCE);
      const text = JSON.stringify({ v: 1, sender: this.#sender, changes });
      // Nobody waits for it: who missed it looks at the storage.
      await this.#channel.publish(text).catch(() => undefined);
    }
    this.#publishing = undefined;
    if (this.#gathered.length > 0) this.#publishLater();
  }

  #receive(text: string): void {
    for (const change of parse(text, this.#sender)) this.#listener.changed(change);
  }
}

/** Other versions of the library may be on the same queue: what is not known is passed over. */
function parse(text: string, ownSender: string): readonly RemoteChange[] {
  try {
    const { v, sender, changes } = JSON.parse(text) as Record<string, unknown>;
    if (v !== 1 || sender === ownSender || !Array.isArray(changes)) return [];
    return changes.filter(
      (change: Partial<RemoteChange> | null) =>
        typeof change?.jobId === 'string' && typeof change.version === 'number',
    );
  } catch {
    return [];
  }
}
