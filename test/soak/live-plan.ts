import type { LiveFault, LiveFaultKind, LivePoint } from 'transcription-client/testing';
import type { Dice } from './dice.js';

const REFUSALS = [400, 401, 402, 403, 429, 500, 502, 503, 504];
const CLOSE_CODES = [1000, 1001, 1005, 1008, 1011, 4000];

/** One fault of any kind, its settings drawn. */
export function drawLiveFault(dice: Dice, audioBytes: number): LiveFault {
  const at: LivePoint = dice.oneOf([
    'open',
    'midWord',
    { audioBytes: dice.whole(1, audioBytes) },
    { audioBytes },
  ]);
  const faults: { readonly [Kind in LiveFaultKind]: Extract<LiveFault, { kind: Kind }> } = {
    handshake: { kind: 'handshake', status: dice.oneOf(REFUSALS) },
    slowOpen: { kind: 'slowOpen', ms: dice.whole(1, 1500) },
    drop: { kind: 'drop', at },
    close: { kind: 'close', code: dice.oneOf(CLOSE_CODES), at },
    halfOpen: { kind: 'halfOpen', at },
    stopReading: { kind: 'stopReading', at },
    invalidJson: { kind: 'invalidJson', at },
    unknownMessage: { kind: 'unknownMessage', at },
    lateFinals: dice.chance(0.5) ? { kind: 'lateFinals' } : { kind: 'lateFinals', ms: dice.whole(1, 500) },
    plainFinalize: { kind: 'plainFinalize' },
  };
  return dice.oneOf(Object.values(faults));
}
