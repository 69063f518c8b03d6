import type { Clock, SpendFacts, SpendLimit, SpendOptions } from '../contracts/index.js';
import { BadRequestError, RateLimitError, TranscriptionError } from '../errors/index.js';

import { checkNumber } from '../internal/validate.js';
import { RollingSum } from './rolling-sum.js';

const HOUR_MS = 3_600_000;

/** Audio that may be sent. Settle it once, when it is known what of it was billed. */
export interface SpendTicket {
  /** Undefined: unknown, as after an ambiguous end, so what was announced is counted. */
  settle(billedSeconds: number | undefined): void;
}

interface Account {
  readonly spent: RollingSum;
  /** Announced by calls that are under way. */
  reserved: number;
  underWay: number;
}

const NO_TICKET: SpendTicket = { settle: () => undefined };

/** Keeps the limits on audio that the client's owner has set. */
export class SpendGuard {
  readonly #clock: Clock;
  readonly #options: SpendOptions;
  readonly #accounts = new Map<string, Account>();

  constructor(clock: Clock, options: SpendOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** False: nothing is limited, and nobody needs to ask. */
  get isOn(): boolean {
    const { maxDurationSeconds, maxAudioSecondsPerHour } = this.#options;
    return maxDurationSeconds !== undefined || maxAudioSecondsPerHour !== undefined;
  }

  /**
   * @throws BadRequestError with code `audio_too_long`.
   * @throws RateLimitError with code `spend_limit`.
   */
  async enter(facts: SpendFacts): Promise<SpendTicket> {
    await this.#checkDuration(facts);
    const { maxAudioSecondsPerHour: limit } = this.#options;
    const perHour = await read('maxAudioSecondsPerHour', limit, facts);
    if (perHour === undefined) return NO_TICKET;
    const account = this.#account(typeof limit === 'function' ? `user ${facts.userId ?? ''}` : 'client');
    const announced = facts.durationSeconds ?? this.#unknown('maxAudioSecondsPerHour', facts);
    if (perHour === 0 || announced > perHour) throw neverFits(perHour, announced);
    const { spent, reserved } = account;
    const fits = (total: number): boolean => {
      const used = total + reserved;
      return used < perHour && used + announced <= perHour;
    };
    if (!fits(spent.total())) throw overHour(perHour, spent.msUntil(fits));
    account.reserved += announced;
    account.underWay += 1;
    return {
      settle: (billedSeconds = announced) => {
        account.underWay -= 1;
        // Sums of fractions leave a little over, which nobody would ever give back.
        account.reserved = account.underWay === 0 ? 0 : account.reserved - announced;
        if (billedSeconds > 0) account.spent.add(billedSeconds);
      },
    };
  }

  async #checkDuration(facts: SpendFacts): Promise<void> {
    const longest = await read('maxDurationSeconds', this.#options.maxDurationSeconds, facts);
    if (longest === undefined) return;
    const seconds = facts.durationSeconds ?? this.#unknown('maxDurationSeconds', facts);
    if (seconds <= longest) return;
    throw new BadRequestError(
      `The audio is ${seconds} s long, and at most ${longest} s are allowed (spend.maxDurationSeconds). Split it.`,
      { code: 'audio_too_long' },
    );
  }

  #unknown(limit: string, { mode }: SpendFacts): number {
    // Nobody knows how long people will speak.
    if (mode === 'stream' || this.#options.unknownDuration !== 'refuse') return 0;
    throw new BadRequestError(
      `The length of the audio is not known, and spend.${limit} needs it. Pass durationSeconds.`,
      { code: 'audio_too_long' },
    );
  }

  #account(id: string): Account {
    const known = this.#accounts.get(id);
    if (known !== undefined) return known;
    this.#forgetIdle();
    const account = { spent: new RollingSum(this.#clock, HOUR_MS), reserved: 0, underWay: 0 };
    this.#accounts.set(id, account);
    return account;
  }

  /** Users come and go; those who spent nothing in the last hour need no account. */
  #forgetIdle(): void {
    if (this.#accounts.size < 1000) return;
    for (const [id, { spent, underWay }] of this.#accounts) {
      if (underWay === 0 && spent.total() === 0) this.#accounts.delete(id);
    }
  }
}

/** What the limit's function throws or returns in error must never let audio pass. */
async function read(
  name: 'maxDurationSeconds' | 'maxAudioSecondsPerHour',
  limit: SpendLimit | undefined,
  facts: SpendFacts,
): Promise<number | undefined> {
  if (typeof limit !== 'function') return limit;
  const seconds = await ask(name, limit, facts);
  checkNumber(`spend.${name} (what its function returned)`, seconds, { min: 0, integer: false });
  return seconds;
}

async function ask(
  name: string,
  limit: Exclude<SpendLimit, number>,
  facts: SpendFacts,
): Promise<number | undefined> {
  try {
    return await limit(facts);
  } catch (cause) {
    if (TranscriptionError.isInstance(cause)) throw cause;
    throw new RateLimitError(
      `The function spend.${name} refused the call, or failed. What it threw is the cause.`,
      { code: 'spend_limit', cause },
    );
  }
}

/** @param waitMs Undefined where calls that are under way stand in the way: nobody knows when they end. */
function overHour(perHour: number, waitMs: number | undefined): RateLimitError {
  return new RateLimitError(
    `The ${perHour} s of audio that are allowed in an hour are used up (spend.maxAudioSecondsPerHour). Call again later.`,
    {
      code: 'spend_limit',
      retryable: true,
      ...(waitMs === undefined ? {} : { retryAfterMs: Math.ceil(waitMs) }),
    },
  );
}

function neverFits(perHour: number, announced: number): RateLimitError {
  return new RateLimitError(
    `The audio, ${announced} s, does not fit into the ${perHour} s that are allowed in an hour (spend.maxAudioSecondsPerHour). Split it, or raise the limit.`,
    { code: 'spend_limit' },
  );
}
