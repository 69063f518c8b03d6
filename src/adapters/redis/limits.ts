import { createHash, randomUUID } from 'node:crypto';
import type { TimerHandle } from '../../contracts/clock.js';
import type { LimitKey, LimitLease, LimitsAdapter } from '../../contracts/limits.js';
import type { TranscriptionError } from '../../errors/index.js';
import { limitsClosed } from './errors.js';
import { RedisLink } from './link.js';
import type { RedisLimitsSettings } from './options.js';
import { RedisPool } from './pool.js';
import { LOST, makeScripts } from './scripts.js';

/** How often a Redis that is out of reach is looked for. */
const PROBE_MS = 250;
/** Redis is no longer told of a pool that nobody used for so long. */
const IDLE_MS = 600_000;
const KEY_NAMES = ['held', 'starts', 'line', 'seen', 'epoch', 'recovering'] as const;

/** All pools of a process, with one connection and one timer. */
export class RedisLimits implements LimitsAdapter {
  readonly #settings: RedisLimitsSettings;
  readonly #windowMs: number;
  readonly #process = randomUUID();
  readonly #scripts = makeScripts();
  readonly #pools = new Map<string, RedisPool>();
  readonly #link: RedisLink;
  #isDown = false;
  #isClosed = false;
  #renewal: TimerHandle | undefined;
  #probe: TimerHandle | undefined;

  constructor(settings: RedisLimitsSettings, windowMs: number) {
    this.#settings = settings;
    this.#windowMs = windowMs;
    const { target, clock, commandTimeoutMs } = settings;
    const onMessage = (message: string): void => this.#hear(message);
    // Redis may have been restarted, and have lost all: whoever tells it first of what runs is believed.
    const onBroken = (): void => void (this.#isDown || this.#renewAll(true));
    this.#link = new RedisLink({ target, clock, commandTimeoutMs, onMessage, onBroken });
  }

  async acquire(
    key: LimitKey,
    { priority, signal }: { readonly priority: number; readonly signal: AbortSignal },
  ): Promise<LimitLease> {
    if (this.#isClosed) throw limitsClosed();
    return this.#poolFor(key).acquire(priority, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#renewal?.cancel();
    this.#probe?.cancel();
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
    await this.#link.close();
  }

  #poolFor({ project, endpoint, mode }: LimitKey): RedisPool {
    // Both kinds of pre-recorded request use the same places at Deepgram.
    const kind = mode === 'stream' ? 'stream' : 'prerecorded';
    const id = JSON.stringify([project, endpoint, kind]);
    const existing = this.#pools.get(id);
    if (existing !== undefined) return existing;
    const pool = this.#makePool(id, kind);
    this.#pools.set(id, pool);
    if (this.#renewal === undefined) this.#renewLater();
    return pool;
  }

  #makePool(id: string, kind: 'stream' | 'prerecorded'): RedisPool {
    const { maxConcurrent, maxConcurrentStreams, requestsPerMinute } = this.#settings;
    const { maxWaiting, leaseMs, commandTimeoutMs, whenUnavailable, prefix, clock } = this.#settings;
    // The name of a project may be long, or nobody else's business. The braces keep the keys on one node of a Cluster.
    const tag = createHash('sha256').update(id).digest('base64url').slice(0, 22);
    const keys = KEY_NAMES.map((name) => `${prefix}:{${tag}}:${name}`);
    return new RedisPool({
      settings: {
        places: kind === 'stream' ? maxConcurrentStreams : maxConcurrent,
        perWindow: kind === 'stream' ? undefined : requestsPerMinute,
        windowMs: this.#windowMs,
        maxWaiting,
        leaseMs,
        commandTimeoutMs,
        whenUnavailable,
      },
      process: this.#process,
      keys,
      clock,
      link: this.#link,
      scripts: this.#scripts,
      isDown: () => this.#isDown,
      onDown: () => this.#goDown(),
    });
  }

  #hear(message: string): void {
    if (message === LOST) void this.#renewAll(true);
    else if (message === this.#process) this.#wakeAll();
  }

  #wakeAll(): void {
    for (const pool of this.#pools.values()) pool.wake();
  }

  #renewLater(): void {
    if (this.#isClosed) return;
    const renew = (): void => {
      this.#dropIdle();
      if (!this.#isDown) void this.#renewAll(false);
      this.#renewLater();
    };
    this.#renewal = this.#settings.clock.setTimer(renew, this.#settings.leaseMs / 3);
    this.#renewal.unref?.();
  }

  #dropIdle(): void {
    for (const [id, pool] of this.#pools) if (pool.idleMs > IDLE_MS) this.#pools.delete(id);
  }

  /** Never rejects. True where Redis took all of it. */
  async #renewAll(withStarts: boolean): Promise<boolean> {
    try {
      await Promise.all([...this.#pools.values()].map((pool) => pool.renew(withStarts)));
      return true;
    } catch (error) {
      // Of anything else than an outage callers are told when they ask.
      if ((error as TranscriptionError).code !== 'network') return true;
      this.#goDown();
      return false;
    }
  }

  #goDown(): void {
    if (this.#isDown || this.#isClosed) return;
    this.#isDown = true;
    void this.#lookForRedis();
  }

  async #lookForRedis(): Promise<void> {
    if (await this.#renewAll(true)) {
      this.#isDown = false;
      // Places that were given out meanwhile are told before anybody asks: commands keep their order.
      void this.#renewAll(true);
      this.#wakeAll();
    } else if (!this.#isClosed) {
      this.#probe = this.#settings.clock.setTimer(() => void this.#lookForRedis(), PROBE_MS);
      this.#probe.unref?.();
    }
  }
}
