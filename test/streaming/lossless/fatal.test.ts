import type { LiveTranscription, TranscriptionError } from 'transcription-client';
import { type LiveFault, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { expect, test } from 'vitest';
import { clientOf } from '../../support/client.js';
import { chunksOf } from '../../support/live.js';

const FORMAT = { encoding: 'linear16', sample_rate: 8000 } as const;
const SPEECH = synthesizeSpeech('these words are heard', { container: 'raw', sampleRate: 8000 });

/** What no second attempt mends. */
const FATAL: readonly [fault: LiveFault, error: object][] = [
  [
    { kind: 'handshake', status: 400 },
    { name: 'BadRequestError', status: 400 },
  ],
  [
    { kind: 'handshake', status: 401 },
    { name: 'AuthError', status: 401 },
  ],
  [{ kind: 'handshake', status: 402 }, { status: 402 }],
  [{ kind: 'handshake', status: 403 }, { status: 403 }],
  [{ kind: 'close', code: 1008, at: { audioBytes: 3200 } }, { code: 'unprocessable_audio' }],
];

/** Connections that were asked for, and how the session ended. */
async function meet(...faults: readonly LiveFault[]) {
  await using emulator = await startDeepgramEmulator();
  for (const fault of faults) emulator.faults.live.next(fault);
  await using client = clientOf(emulator.url);
  const live = client.stream(FORMAT);
  const told: TranscriptionError[] = [];
  live.on('error', ({ error }) => told.push(error as TranscriptionError));
  const error = await speak(live).then(
    () => undefined,
    (failure: TranscriptionError) => failure,
  );
  return { error, told, connections: emulator.requests.length };
}

async function speak(live: LiveTranscription): Promise<void> {
  for (const chunk of chunksOf(SPEECH.audio)) live.send(chunk).catch(() => undefined);
  await live.finish();
}

test.each(FATAL)(
  '%o at the first connection is told at once, and not tried again',
  async (fault, expected) => {
    const { error, told, connections } = await meet(fault);
    expect(error).toMatchObject({ ...expected, retryable: false });
    expect(told).toEqual([error]);
    expect(connections).toBe(1);
  },
);

test.each(FATAL)('%o after a break is told at once, and not tried again', async (fault, expected) => {
  const { error, told, connections } = await meet({ kind: 'drop', at: { audioBytes: 3200 } }, fault);
  expect(error).toMatchObject({ ...expected, retryable: false });
  expect(told).toEqual([error]);
  expect(connections).toBe(2);
});
