import type { LiveFault, LivePoint } from 'transcription-client/testing';
import { Dice } from '../../soak/dice.js';
import { type DrawnSpeech, drawSpeech } from './speech.js';

/** What is done to the network by hand, as soon as the server has got that message. */
export type Strike = 'reset' | 'blackhole';

/** What happens at a second of the audio. */
export interface PlannedAction {
  readonly atSeconds: number;
  /**
   * `mute`: no audio for so many milliseconds. `reset`: all connections are reset. `blackhole`: nothing gets through the
   * connections that are open. `refuse`: new connections are refused for so many milliseconds, and the open ones reset.
   */
  readonly kind: 'finalize' | 'mute' | 'reset' | 'blackhole' | 'refuse';
  readonly ms?: number;
}

/** Everything that one run's seed decides. */
export interface Plan {
  readonly seed: number;
  readonly speech: DrawnSpeech;
  readonly protocol: 'v1' | 'flux';
  /** `pipe`: by `pipeFrom()`, as fast as it takes it. Otherwise as a microphone does, without waiting for `send()`. */
  readonly feed: 'send' | 'pipe';
  readonly interims: boolean;
  /** Flux: ends of turns are told early. */
  readonly eagerEnds: boolean;
  readonly emulator: {
    readonly interimIntervalMs: number;
    readonly endpointingMs: number;
    readonly maxSegmentSeconds: number;
  };
  /** The faults of each connection, in the order of the attempts. Later ones are spared. */
  readonly connections: readonly (readonly LiveFault[])[];
  readonly actions: readonly PlannedAction[];
  readonly onFinalize: Strike | undefined;
  readonly onFinish: Strike | undefined;
}

export const CONNECT_TIMEOUT_MS = 2000;
/** The first connection is tried for four seconds: until then it must be open. */
const FIRST_OPEN_MS = 3500;
/** The longest pause before a second or third attempt. */
const FIRST_PAUSE_MS = 500;
/** No audio is lost by the length of these, because the memory holds this much. */
export const REPLAY_SECONDS = 120;
export const MAX_DELAY_MS = 1000;

export function drawPlan(seed: number): Plan {
  const dice = new Dice(seed, 0);
  const protocol = dice.chance(0.25) ? 'flux' : 'v1';
  const speech = drawSpeech(dice, protocol === 'flux' ? 1 : dice.whole(1, 2));
  const feed = dice.chance(0.15) ? 'pipe' : 'send';
  const canFinalize = protocol === 'v1' && feed === 'send';
  const finalizes = canFinalize ? drawFinalizes(dice, speech) : [];
  return {
    seed,
    speech,
    protocol,
    feed,
    interims: protocol === 'flux' || dice.chance(0.8),
    eagerEnds: dice.chance(0.5),
    emulator: {
      interimIntervalMs: dice.oneOf([100, 200, 300, 500]),
      endpointingMs: dice.oneOf([200, 300, 500, 1000]),
      maxSegmentSeconds: dice.oneOf([1.5, 3, 5]),
    },
    connections: drawConnections(dice, speech.audio.length, speech.bytesPerSecond, protocol),
    actions: [...finalizes, ...drawActions(dice, speech.durationSeconds, feed)].sort(
      (one, other) => one.atSeconds - other.atSeconds,
    ),
    onFinalize: dice.maybe(0.5, dice.oneOf(['reset', 'blackhole'] as const)),
    onFinish: dice.maybe(0.4, dice.oneOf(['reset', 'reset', 'blackhole'] as const)),
  };
}

/** Where nobody speaks: in a word, the service would report the half of it. */
function drawFinalizes(dice: Dice, { pauses }: DrawnSpeech): PlannedAction[] {
  if (pauses.length === 0) return [];
  return Array.from({ length: dice.whole(0, 2) }, () => {
    const { from, to } = dice.oneOf(pauses);
    return { kind: 'finalize', atSeconds: (from + to) / 2 };
  });
}

function drawActions(dice: Dice, durationSeconds: number, feed: Plan['feed']): PlannedAction[] {
  return Array.from({ length: dice.oneOf([0, 0, 1, 1, 2]) }, (): PlannedAction => {
    // The first connection is open by then.
    const earliest = Math.min(durationSeconds, FIRST_OPEN_MS / 1000);
    const atSeconds = earliest + (dice.whole(0, 1000) / 1000) * (durationSeconds - earliest);
    const kinds = ['reset', 'blackhole', 'refuse', ...(feed === 'send' ? (['mute'] as const) : [])] as const;
    const kind = dice.oneOf(kinds);
    const longestMs = kind === 'mute' ? 15_000 : 4000;
    return { kind, atSeconds, ms: dice.whole(100, longestMs) };
  });
}

function drawConnections(
  dice: Dice,
  audioBytes: number,
  bytesPerSecond: number,
  protocol: Plan['protocol'],
): (readonly LiveFault[])[] {
  const connections: (readonly LiveFault[])[] = [];
  let refusedMs = 0;
  let wasHeard = false;
  const count = dice.oneOf([1, 1, 2, 2, 3, 4, 6]);
  while (connections.length < count) {
    const isReplay = wasHeard && dice.chance(0.5);
    const reach = isReplay ? bytesPerSecond * 2 : audioBytes;
    const at: LivePoint = dice.chance(0.3)
      ? 'midWord'
      : { audioBytes: dice.whole(Math.ceil(bytesPerSecond * 0.3), Math.ceil(reach)) };
    const faults = drawFaults(dice, at, protocol);
    const lostMs = refusedFor(faults);
    if (!wasHeard && refusedMs + lostMs > FIRST_OPEN_MS) continue;
    refusedMs += lostMs;
    wasHeard ||= lostMs === 0;
    connections.push(faults);
  }
  return connections;
}

/** Until the next attempt. 0: the connection is opened. */
function refusedFor(faults: readonly LiveFault[]): number {
  let ms = 0;
  for (const fault of faults) {
    if (fault.kind === 'handshake') ms += Math.max(FIRST_PAUSE_MS, 1000 * Number(fault.retryAfter ?? 0));
    if (fault.kind === 'slowOpen') ms += Math.min(fault.ms, CONNECT_TIMEOUT_MS) + FIRST_PAUSE_MS;
  }
  return ms;
}

const CLOSE_CODES = [1011, 1011, 1011, 1001, 1012, 4000];
const REFUSALS = [
  { kind: 'handshake', status: 429, retryAfter: 1 },
  { kind: 'handshake', status: 429 },
  { kind: 'handshake', status: 500 },
  { kind: 'handshake', status: 502 },
  { kind: 'handshake', status: 503 },
  { kind: 'handshake', status: 503, retryAfter: 2 },
  { kind: 'handshake', status: 504 },
] as const;

/** What one connection meets: what ends it, and sometimes noise before. */
function drawFaults(dice: Dice, at: LivePoint, protocol: Plan['protocol']): LiveFault[] {
  // Within the time for a connection, or far beyond it: at its end, it could have been open for a moment.
  const slowOpenMs = CONNECT_TIMEOUT_MS * (dice.chance(0.5) ? 0.5 : 1.5) + dice.whole(-500, 500);
  const ends: LiveFault[] = [
    { kind: 'drop', at },
    { kind: 'drop', at },
    { kind: 'close', code: dice.oneOf(CLOSE_CODES), at },
    { kind: 'halfOpen', at },
    { kind: 'stopReading', at },
    dice.oneOf(REFUSALS),
    { kind: 'slowOpen', ms: slowOpenMs },
  ];
  const noise: LiveFault[] = [
    { kind: 'invalidJson', at: 'midWord' },
    { kind: 'unknownMessage', at: 'midWord' },
    // Flux tells of turns in their order.
    ...(protocol === 'v1'
      ? ([
          // Twice, because it strikes only where a final follows.
          { kind: 'lateFinals', ms: dice.whole(50, 1500) },
          { kind: 'lateFinals', ms: dice.whole(50, 1500) },
          { kind: 'plainFinalize' },
        ] as const)
      : []),
  ];
  const end = dice.oneOf(ends);
  const withNoise = dice.chance(0.5);
  const before = dice.oneOf(noise);
  // Who does not read and still sends has not fallen silent.
  const fits = before.kind !== 'lateFinals' || end.kind !== 'stopReading';
  return withNoise && fits ? [before, end] : [end];
}
