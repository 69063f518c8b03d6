import type { QueueDepth, QueueListener, QueueProblem } from '../../contracts/queue.js';
import type { JobData, NewJob } from './entry.js';

/** What a queue needs of BullMQ on one back end. Calls reject with errors of the back end, and may hang. */
export interface Engine {
  /** Its name in messages. */
  readonly server: string;
  readonly shards: number;
  shardOf(jobId: string): number;
  /** Waits for the connection. */
  producer(shard: number): Promise<Producer>;
  /** Connects in the background. */
  consume(): Promise<Consumers>;
  readonly messages: Messages;
  epoch(): Promise<string>;
  health(): Promise<readonly QueueProblem[]>;
  derive(name: string): Engine;
  /** Called when there was no answer in time: the connection may be dead without knowing it. */
  reconnect(): void;
  close(): Promise<void>;
}

/** A shard, for those who add and ask. */
export interface Producer {
  add(jobs: readonly NewJob[]): Promise<void>;
  find(jobId: string): Promise<JobData | undefined>;
  /** Takes out an entry that waits. One that a worker has locked stays. */
  remove(jobId: string, data: JobData): Promise<'removed' | 'locked' | 'missing'>;
  updateData(jobId: string, data: JobData): Promise<void>;
  depth(): Promise<QueueDepth>;
  missing(jobIds: readonly string[]): Promise<readonly string[]>;
}

export interface FetchedJob {
  readonly id: string;
  /** Undefined where it is none of ours, or damaged. */
  readonly data: JobData | undefined;
}

export interface Fetched {
  readonly job?: FetchedJob;
  /** By the machine's wall clock: when the next delayed one is due. */
  readonly nextAtMs?: number;
}

/** A shard, for a worker. */
export interface Consumer {
  fetch(token: string): Promise<Fetched>;
  complete(job: FetchedJob, token: string, fetchNext: boolean): Promise<Fetched>;
  delay(job: FetchedJob, token: string, delayMs: number): Promise<void>;
  /** `first`: it goes ahead of its row, otherwise it takes its turn. */
  putBack(job: FetchedJob, token: string, first: boolean): Promise<void>;
  /** Resolves to the ids whose lock is gone. */
  renew(jobIds: readonly string[], tokens: readonly string[]): Promise<readonly string[]>;
  /** Puts back what belongs to workers that died. */
  sweep(): Promise<void>;
  /** Resolves when there may be something to fetch, or after the time. Rejects when the connection breaks. */
  wait(timeoutMs: number): Promise<void>;
  /** Wakes another worker that waits, where this one was woken and has no place. */
  wakeAnother(): Promise<void>;
}

export interface Consumers {
  readonly shards: readonly Consumer[];
  /** Ends all waits, and lets no other begin. */
  interrupt(): void;
  reconnect(): void;
  close(): void;
}

export interface Messages {
  publish(topic: string, text: string): Promise<void>;
  /** Resolves when messages are heard. What it resolves to ends that. */
  subscribe(topic: string, listener: QueueListener): Promise<() => void>;
  close(): Promise<void>;
}
