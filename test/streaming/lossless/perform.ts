import { Readable } from 'node:stream';
import type { LiveEvent, LiveTranscription, Transcript, TranscriptionClient } from 'transcription-client';
import { type FakeClock, type SpokenWord, startDeepgramEmulator } from 'transcription-client/testing';
import { createRandom } from '../../../src/testing/emulator/faults-random.js';
import { Dice } from '../../soak/dice.js';
import { clientOf } from '../../support/client.js';
import { Network, type Silence } from './network.js';
import { CONNECT_TIMEOUT_MS, MAX_DELAY_MS, type Plan, type PlannedAction, REPLAY_SECONDS } from './plan.js';
import { VirtualTime } from './virtual-time.js';

export interface RecordedEvent {
  readonly atMs: number;
  /** Seconds of audio that had been handed in. */
  readonly fedSeconds: number;
  readonly event: LiveEvent;
}

/** What came of a run. */
export interface Recording {
  readonly protocol: Plan['protocol'];
  readonly channels: number;
  readonly spoken: readonly SpokenWord[];
  readonly durationSeconds: number;
  readonly events: readonly RecordedEvent[];
  readonly transcript: Transcript | undefined;
  /** What was rejected: calls of `send()`, `finalize()` or `finish()`. */
  readonly rejections: readonly { readonly call: string; readonly error: unknown }[];
  /** Calls that never settled. */
  readonly pending: readonly string[];
  readonly silences: readonly Silence[];
  readonly unexplainedEnds: number;
  /** How far a replay was ahead of 1.25 times real time, at most. */
  readonly replayLeadSeconds: number;
  readonly connections: number;
  /** Kinds of faults that struck. */
  readonly struck: readonly string[];
}

/** Far more than any plan needs. */
const LONGEST_FINISH_MS = 120_000;
/** Of real time: a run takes a tenth of a second or two. */
const LONGEST_RUN_MS = 60_000;
const LONGEST_START_TURNS = 20_000;

/** The first sessions of a process load code, for which no virtual time can wait. */
export async function warmUp(): Promise<void> {
  await using emulator = await startDeepgramEmulator();
  await using client = clientOf(emulator.url);
  const format = { encoding: 'linear16', sample_rate: 8000 } as const;
  await client.stream(format).pipeFrom(new Blob([new Uint8Array(1600)]).stream());
  await client.stream(format).pipeFrom(Readable.from([new Uint8Array(1600)]));
  await client.stream(format).finish();
}

/** Makes the run of a plan. The same plan gives the same run. `disturb` is called before each piece of audio. */
export async function perform(
  plan: Plan,
  disturb: (clock: FakeClock) => void = () => undefined,
): Promise<Recording> {
  const { random } = Math;
  // Decides the pauses before attempts to reconnect.
  Math.random = createRandom(plan.seed);
  try {
    return await new Run(plan, disturb).perform();
  } finally {
    Math.random = random;
  }
}

class Run {
  readonly #plan: Plan;
  readonly #disturb: (clock: FakeClock) => void;
  readonly #time: VirtualTime;
  readonly #events: RecordedEvent[] = [];
  readonly #rejections: Recording['rejections'][number][] = [];
  readonly #pending = new Set<string>();
  #network: Network | undefined;
  #fedBytes = 0;
  #transcript: Transcript | undefined;

  constructor(plan: Plan, disturb: (clock: FakeClock) => void) {
    this.#plan = plan;
    this.#disturb = disturb;
    this.#time = new VirtualTime(
      () => `${this.#network?.activity} ${this.#events.length}`,
      () => this.#network?.look(),
    );
  }

  async perform(): Promise<Recording> {
    this.#time.limit(LONGEST_RUN_MS);
    const network = await Network.start(this.#plan, this.#time.clock);
    this.#network = network;
    const client = clientOf(network.url, { clock: this.#time.clock });
    try {
      const live = this.#open(client);
      void this.#record(live);
      await this.#untilAsked(network);
      if (this.#plan.feed === 'pipe') await this.#pipe(live);
      else await this.#speak(live);
      const finish = live.finish().then((transcript) => {
        this.#transcript = transcript;
      });
      this.#watch('finish()', finish);
      await this.#time.wait(() => this.#pending.size === 0, LONGEST_FINISH_MS);
      await this.#time.settle();
      return this.#recording(network);
    } finally {
      await this.#close(client, network);
    }
  }

  #open(client: TranscriptionClient): LiveTranscription {
    const { speech, protocol, interims, eagerEnds } = this.#plan;
    const { container, sampleRate, channels } = speech;
    return client.stream({
      ...(container === 'raw' && { encoding: 'linear16', sample_rate: sampleRate }),
      ...(container === 'raw' && channels > 1 && { channels }),
      ...(channels > 1 && { multichannel: true }),
      ...(protocol === 'flux' ? { model: 'flux-general-en' } : { interim_results: interims }),
      ...(protocol === 'flux' && eagerEnds && { eager_eot_threshold: 0.3 }),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      replaySeconds: REPLAY_SECONDS,
      reconnect: { maxDelayMs: MAX_DELAY_MS },
      repair: false,
    });
  }

  async #record(live: LiveTranscription): Promise<void> {
    for await (const event of live) {
      this.#events.push({ atMs: this.#time.nowMs, fedSeconds: this.#secondsOf(this.#fedBytes), event });
    }
  }

  /** Before its first connection a client loads and reads what it needs: that is not in virtual time. */
  async #untilAsked(network: Network): Promise<void> {
    const before = network.activity;
    for (let turn = 0; network.activity === before && turn < LONGEST_START_TURNS; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#time.settle();
  }

  /** As a microphone does: nobody waits for `send()`. */
  async #speak(live: LiveTranscription): Promise<void> {
    let dueMs = this.#time.nowMs;
    for (const { bytes, actions } of this.#pieces()) {
      for (const action of actions) {
        if (action.kind === 'mute') dueMs += action.ms ?? 0;
        else this.#act(action, live);
      }
      dueMs += 1000 * this.#secondsOf(bytes.length);
      await this.#time.until(dueMs);
      this.#disturb(this.#time.clock);
      this.#fedBytes += bytes.length;
      this.#watch(`send() at ${this.#fedBytes}`, live.send(bytes));
    }
    await this.#time.settle();
  }

  async #pipe(live: LiveTranscription): Promise<void> {
    const source = async function* (this: Run): AsyncGenerator<Uint8Array> {
      for (const { bytes } of this.#pieces()) {
        this.#fedBytes += bytes.length;
        yield bytes;
      }
    }.call(this);
    this.#watch('pipeFrom()', live.pipeFrom(source));
    const startMs = this.#time.nowMs;
    for (const action of this.#plan.actions) {
      await this.#time.until(startMs + 1000 * action.atSeconds);
      this.#act(action, live);
    }
  }

  #act({ kind, ms }: PlannedAction, live: LiveTranscription): void {
    if (kind === 'finalize') this.#watch('finalize()', live.finalize());
    else if (kind !== 'mute') this.#network?.strike(kind, live.stats().state === 'open', ms);
  }

  /** The audio in pieces of 20 to 80 ms, and what happens before each. Pieces end anywhere, also within a sample. */
  *#pieces(): Generator<{ bytes: Uint8Array; actions: readonly PlannedAction[] }> {
    const { seed, speech, actions: planned } = this.#plan;
    const { audio, bytesPerSecond } = speech;
    const dice = new Dice(seed, 1);
    let actions = planned.filter(({ atSeconds }) => atSeconds <= 0);
    for (let at = 0; at < audio.length; ) {
      const next = planned.find(({ atSeconds }) => Math.round(atSeconds * bytesPerSecond) > at);
      const most = next ? Math.round(next.atSeconds * bytesPerSecond) : audio.length;
      const end = Math.min(most, audio.length, at + Math.ceil((bytesPerSecond * dice.whole(20, 80)) / 1000));
      yield { bytes: audio.subarray(at, end), actions };
      at = end;
      actions = planned.filter(({ atSeconds }) => Math.round(atSeconds * bytesPerSecond) === end);
    }
  }

  #watch(call: string, promise: Promise<unknown>): void {
    this.#pending.add(call);
    promise
      .catch((error: unknown) => this.#rejections.push({ call, error }))
      .finally(() => this.#pending.delete(call))
      .catch(() => undefined);
  }

  #secondsOf(bytes: number): number {
    return bytes / this.#plan.speech.bytesPerSecond;
  }

  #recording(network: Network): Recording {
    const { channels, words, durationSeconds } = this.#plan.speech;
    const { requests } = network.emulator;
    return {
      protocol: this.#plan.protocol,
      channels,
      spoken: words,
      durationSeconds,
      events: this.#events,
      transcript: this.#transcript,
      rejections: this.#rejections,
      pending: [...this.#pending],
      silences: network.silences,
      unexplainedEnds: network.unexplainedEnds,
      replayLeadSeconds: network.replayLeadSeconds,
      connections: requests.filter(({ status }) => status === 101).length,
      struck: requests.flatMap(({ faults }) => faults),
    };
  }

  async #close(client: TranscriptionClient, network: Network): Promise<void> {
    let closed = false;
    const closing = client.close().then(() => {
      closed = true;
    });
    await this.#time.wait(() => closed, LONGEST_FINISH_MS);
    await closing;
    await network.close();
  }
}
