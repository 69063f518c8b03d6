import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/testing/emulator/faults-random.js';
import { closeStream, finals, framesOf, openLive, textOf } from './emulator-client.js';

const SEED = Number(process.env.EMULATOR_SEED ?? Date.now() % 1_000_000);
const POSITIONS = 25;
const TEXT =
  'the quick brown fox jumps over the lazy dog while seven wizards watch from the old stone bridge';
const [FIRST_HALF, SECOND_HALF] = [TEXT.split(' ').slice(0, 9).join(' '), TEXT.split(' ').slice(9).join(' ')];
const SPEECH = synthesizeSpeech([{ text: FIRST_HALF, pauseAfterSeconds: 1 }, { text: SECOND_HALF }], {
  container: 'raw',
});
const FRAMES = framesOf(SPEECH.audio);

/** Frames that the words reach into, or that lie between two of them. */
const FIRST = Math.ceil((SPEECH.words[0]?.start ?? 0) * 50);
const LAST = Math.floor((SPEECH.words.at(-1)?.end ?? 0) * 50) - 1;

let emulator: DeepgramEmulator;
beforeAll(async () => {
  console.log(`seed ${SEED}: set EMULATOR_SEED to repeat`);
  emulator = await startDeepgramEmulator();
});
afterAll(() => emulator.close());

async function hear(frames: readonly Uint8Array[], query: Record<string, string> = {}): Promise<string> {
  const client = await openLive(emulator, { encoding: 'linear16', sample_rate: '16000', ...query });
  for (const frame of frames) client.socket.send(frame);
  return textOf(finals(await closeStream(client)));
}

function frame(index: number): Uint8Array {
  return FRAMES[index] ?? new Uint8Array(0);
}

describe('the live transcript', () => {
  it('is right when no frame is lost', async () => {
    expect(await hear(FRAMES)).toBe(TEXT);
    expect(await hear(FRAMES, { endpointing: 'false' })).toBe(TEXT);
    expect(await hear(FRAMES, { endpointing: '100' })).toBe(TEXT);
  });

  /** Each replaces a frame and the next one. */
  const damages = [
    { name: 'dropped', damage: (at: number) => [frame(at + 1)] },
    { name: 'doubled', damage: (at: number) => [frame(at), frame(at), frame(at + 1)] },
    { name: 'swapped with the next', damage: (at: number) => [frame(at + 1), frame(at)] },
  ];

  it.each(damages)('breaks when one frame is $name, wherever that is', async ({ damage }) => {
    const random = createRandom(SEED);
    const unnoticed: string[] = [];
    for (let count = 0; count < POSITIONS; ) {
      const at = FIRST + Math.floor(random() * (LAST - FIRST));
      const damaged = [...FRAMES.slice(0, at), ...damage(at), ...FRAMES.slice(at + 2)];
      // Two frames of silence may change places: that is the same audio.
      if (Buffer.concat(damaged).equals(Buffer.from(SPEECH.audio))) continue;
      count += 1;
      const text = await hear(damaged);
      if (text === TEXT) unnoticed.push(`seed ${SEED}, frame ${at}`);
    }
    expect(unnoticed).toEqual([]);
  });

  it('breaks in one or two words only, the others are right', async () => {
    const words = TEXT.split(' ');
    for (const at of [FIRST + 10, Math.floor((FIRST + LAST) / 2), LAST - 10]) {
      const heard = (await hear([...FRAMES.slice(0, at), ...FRAMES.slice(at + 1)])).split(' ');
      const right = words.filter((word) => heard.includes(word)).length;
      expect(right).toBeGreaterThanOrEqual(words.length - 3);
    }
  });

  it('breaks when audio in the pause between two finals is lost', async () => {
    const pause = Math.floor((SPEECH.words[8]?.end ?? 0) * 50);
    for (const at of [pause + 3, pause + 8, pause + 25, pause + 45]) {
      expect(await hear([...FRAMES.slice(0, at), ...FRAMES.slice(at + 1)])).not.toBe(TEXT);
      expect(await hear([...FRAMES.slice(0, at), ...FRAMES.slice(at - 1)])).not.toBe(TEXT);
    }
  });
});
