/** What a queue carries: an id and when to run it. The job itself is a record in the storage. */
export interface QueueEntry {
  readonly id: string;
  /** 0 runs first, larger numbers later; equal ones in the order of their arrival. */
  readonly priority: number;
  /** Not before this many milliseconds from now. */
  readonly delayMs: number;
  /**
   * Whose entry it is, 1 to 512 characters. Groups of one priority take turns: a long row of entries of one group
   * does not hold up a few of another. Entries of one group keep their order. Entries without a group run before
   * those with one, of the same priority.
   */
  readonly group?: string;
}

/** What the worker wants done with an entry that it has run. */
export type EntryOutcome = { readonly type: 'done' } | { readonly type: 'again'; readonly delayMs: number };

/**
 * Runs one entry. It must not throw: what it throws is reported to `onError`, and the entry is done.
 *
 * `signal` aborts when the entry is cancelled, its lease is lost or the worker is closed by force. Its reason
 * is an AbortedError with the code `job_cancelled` or `client_closed`, or any other error for a lost lease.
 * After `client_closed` the outcome is `again`, so that a durable queue keeps the entry.
 */
export type EntryHandler = (entry: QueueEntry, signal: AbortSignal) => Promise<EntryOutcome>;

export interface QueueWorkerOptions {
  /** Entries run at the same time. */
  readonly concurrency: number;
  readonly onError: (error: unknown) => void;
}

export interface QueueWorker {
  /**
   * Takes no new entries, waits up to `timeoutMs` (default 10000) for running ones, then aborts them and gives
   * them a moment to end. May be called again: the first call counts.
   *
   * Rejects with a BadRequestError, and changes nothing, where the options are out of range.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

export interface QueueDepth {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
}

export interface QueueCapabilities {
  /** Workers may live in other processes: the storage must be shared, and audio must be a URL. */
  readonly distributed: boolean;
  /** Entries survive the end of the process. */
  readonly durable: boolean;
  /**
   * It lives in the processes that use it, without a server of its own: who enqueues also works, unless told not to.
   * Default: true where it is not distributed.
   */
  readonly embedded?: boolean;
}

/** What is wrong with a queue that can be reached. */
export interface QueueProblem {
  /** Such as `redis_eviction_policy`. */
  readonly code: string;
  /** Says what to do. */
  readonly message: string;
  /** `error`: jobs will be lost or stuck. `warning`: they may be, after a fault. */
  readonly severity: 'error' | 'warning';
}

export interface QueueListener {
  message(text: string): void;
  /** Messages may have been missed. */
  gap(): void;
}

/** Messages between all processes of a queue. Each is delivered at most once, to its sender as well. */
export interface QueueChannel {
  publish(text: string): Promise<void>;
  /** Resolves when messages are heard from now on. What it resolves to ends that. */
  subscribe(listener: QueueListener): Promise<() => void>;
}

/** The order and timing of jobs. It knows nothing of transcription. */
export interface QueueAdapter {
  readonly capabilities: QueueCapabilities;
  /** Adding an id that is already there, waiting or running, changes nothing. */
  add(entries: readonly QueueEntry[]): Promise<void>;
  /** Takes a waiting entry out, or aborts the signal of a running one. False where there is none. */
  cancel(id: string): Promise<boolean>;
  /**
   * Entries that were added before are run as well. One worker at a time: throws a QueueError while another
   * one is not yet closed.
   */
  startWorker(handler: EntryHandler, options: QueueWorkerOptions): QueueWorker;
  depth(): Promise<QueueDepth>;
  /** Ends the worker at once, forgets timers and connections. `add` rejects from then on. */
  close(): Promise<void>;
  /** Those of the ids that the queue does not hold. Durable queues have it. */
  missing?(ids: readonly string[]): Promise<readonly string[]>;
  /** Changes whenever the queue may have lost entries that it had, by a restart or a fail-over. */
  epoch?(): Promise<string>;
  /** Distributed queues have it. */
  readonly channel?: QueueChannel;
  /** Resolves to what is wrong, rejects where the queue cannot be reached within 2 seconds. */
  health?(): Promise<readonly QueueProblem[]>;
  /**
   * Another queue of the same back end, under a name of its own, 1 to 32 of `a` to `z` and `-`. Has to be closed
   * on its own, and is not harmed by the close of this one. Durable queues have it.
   */
  derive?(name: string): QueueAdapter;
}
