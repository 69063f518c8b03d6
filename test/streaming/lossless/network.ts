import {
  type DeepgramEmulator,
  type FakeClock,
  type FaultProxy,
  type ReceivedRequest,
  startDeepgramEmulator,
  startFaultProxy,
} from 'transcription-client/testing';
import type { Plan, PlannedAction, Strike } from './plan.js';

/** A connection that fell silent without a close. */
export interface Silence {
  readonly kind: string;
  readonly atMs: number;
}

/** As often as real time. */
const MOST_SPEED = 1.25;
const SILENT = new Set(['halfOpen', 'stopReading']);
const BREAKING = new Set(['drop', 'close', ...SILENT]);

/** The service of one run, behind a network whose faults the plan decides. */
export class Network {
  readonly emulator: DeepgramEmulator;
  readonly #proxy: FaultProxy;
  readonly #clock: FakeClock;
  readonly #strikes: Map<string, Strike>;
  readonly #silences = new Map<string, Silence>();
  readonly #bytesPerSecond: number;
  /** When the first audio of a connection came. */
  readonly #heardAtMs = new Map<string, number>();
  #replayLeadSeconds = 0;
  #strikesMade = 0;

  static async start(plan: Plan, clock: FakeClock): Promise<Network> {
    // A container that is piped is sent as fast as it comes.
    const isPaced = plan.feed === 'send' || plan.speech.container === 'raw';
    const emulator = await startDeepgramEmulator({
      clock,
      live: { ...plan.emulator, ...(isPaced && { maxRealtimeFactor: MOST_SPEED }) },
    });
    for (const faults of plan.connections) emulator.faults.live.rule({ fault: faults, times: 1 });
    const proxy = await startFaultProxy({ target: emulator.url, seed: plan.seed });
    return new Network(plan, emulator, proxy, clock);
  }

  private constructor(plan: Plan, emulator: DeepgramEmulator, proxy: FaultProxy, clock: FakeClock) {
    this.emulator = emulator;
    this.#proxy = proxy;
    this.#clock = clock;
    this.#bytesPerSecond = plan.speech.bytesPerSecond;
    const strikes = { Finalize: plan.onFinalize, CloseStream: plan.onFinish };
    this.#strikes = new Map(
      Object.entries(strikes).filter((entry): entry is [string, Strike] => entry[1] !== undefined),
    );
  }

  get url(): string {
    return this.#proxy.url;
  }

  get silences(): readonly Silence[] {
    return [...this.#silences.values()];
  }

  /** Connections that were open, and that neither a fault of the plan ended nor the session's own end. */
  get unexplainedEnds(): number {
    const accepted = this.emulator.requests.filter(({ status }) => status === 101);
    const intact = accepted.slice(0, -1).filter(({ faults }) => !faults.some((kind) => BREAKING.has(kind)));
    return Math.max(0, intact.length - this.#strikesMade);
  }

  /** How far a connection that was not the first was ahead of 1.25 times real time, at most. */
  get replayLeadSeconds(): number {
    return this.#replayLeadSeconds;
  }

  /** Changes whenever bytes move. */
  get activity(): string {
    const { live, accepted, refused, up, down } = this.#proxy.connections;
    return [live, accepted, refused, up.received, up.sent, down.received, down.sent].join();
  }

  /** To be called in each turn of the event loop. */
  look(): void {
    const accepted = this.emulator.requests.filter(({ status }) => status === 101);
    for (const request of accepted.slice(1)) this.#measure(request);
    for (const { requestId, faults, live } of this.emulator.requests) {
      for (const kind of faults) {
        if (SILENT.has(kind)) this.#note(`${requestId} ${kind}`, kind);
      }
      for (const [control, strike] of this.#strikes) {
        if (!live?.controls.some((text) => text.includes(`"${control}"`))) continue;
        this.#strikes.delete(control);
        this.strike(strike, true);
      }
    }
  }

  /** @param isConnected The session has an open connection: one that it gave up may still be open here. */
  strike(kind: Exclude<PlannedAction['kind'], 'finalize' | 'mute'>, isConnected: boolean, ms = 0): void {
    this.#strikesMade += 1;
    if (kind === 'blackhole') {
      this.#setBlackhole(true, 'all');
      this.#setBlackhole(false, 'later');
      if (isConnected) this.#note(`strike ${this.#strikesMade}`, kind);
      return;
    }
    this.#proxy.reset();
    if (kind !== 'refuse') return;
    this.#proxy.set({ refuse: true });
    this.#clock.setTimer(() => this.#proxy.set({ refuse: false }, { connections: 'later' }), ms);
  }

  async close(): Promise<void> {
    await Promise.all([this.#proxy.close(), this.emulator.close()]);
  }

  #measure({ requestId, bodyBytes }: ReceivedRequest): void {
    if (bodyBytes === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const heardAtMs = this.#heardAtMs.get(requestId) ?? nowMs;
    this.#heardAtMs.set(requestId, heardAtMs);
    const lead = bodyBytes / this.#bytesPerSecond - (MOST_SPEED * (nowMs - heardAtMs)) / 1000;
    this.#replayLeadSeconds = Math.max(this.#replayLeadSeconds, lead);
  }

  #setBlackhole(blackhole: boolean, connections: 'all' | 'later'): void {
    this.#proxy.set({ up: { blackhole }, down: { blackhole } }, { connections });
  }

  #note(key: string, kind: string): void {
    if (!this.#silences.has(key)) this.#silences.set(key, { kind, atMs: this.#clock.monotonicMs() });
  }
}
