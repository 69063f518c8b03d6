import { setTimeout as wait } from 'node:timers/promises';
import {
  credentialFingerprint,
  type DeepgramEmulator,
  startDeepgramEmulator,
} from 'transcription-client/testing';
import { expect } from 'vitest';
import { clientOf } from '../support/client.js';
import {
  BROKEN,
  DROP,
  DROPS,
  SENTENCES,
  SPEECH,
  sendPaced,
  speak,
  speakFirst,
  speakUntilDrop,
  transcribeThrough,
} from './drops.js';
import { startFaultyEmulator } from './faulty-emulator.js';
import { eventually, openRaw, RAW_AUDIO } from './raw-live.js';
import { SECOND_RECONNECT_MS } from './raw-sdk.js';
import type { ScenariosById } from './run-faults.js';

const FRAME = new Uint8Array(640);

/** A reconnect that is refused once, after which all is well again. */
async function giveUpAfter(status: number): Promise<void> {
  await using emulator = await startFaultyEmulator(DROP, { kind: 'handshake', status });
  await using raw = await openRaw(emulator.url);
  await speakUntilDrop(raw);
  await eventually(() => raw.closes).toEqual([1006, 1000]);
  await wait(SECOND_RECONNECT_MS + 500);
  expect(emulator.requests.map((request) => request.status)).toEqual([101, status]);
}

async function comeBackAfter(status: number): Promise<void> {
  await transcribeThrough([DROP, { kind: 'handshake', status }]);
}

/** Faults of a session whose connection breaks or stalls. */
export const RECONNECT_FAULTS: ScenariosById = {
  F17: {
    sdk: {
      'gives up after a 401, a 429 and a 503': async () => {
        await Promise.all([401, 429, 503].map(giveUpAfter));
      },
      'gives up where no server is': async () => {
        const emulator = await startFaultyEmulator(DROP);
        await using raw = await openRaw(emulator.url);
        await speakUntilDrop(raw);
        await emulator.close();
        await eventually(() => raw.closes).toEqual([1006, 1000]);
        await using again = await startDeepgramEmulator({ port: emulator.port });
        await wait(SECOND_RECONNECT_MS + 500);
        expect(again.requests).toEqual([]);
      },
    },
    library: {
      'tells the status of a refused connection': async () => {
        await using emulator = await startFaultyEmulator({ kind: 'handshake', status: 401 });
        await using client = clientOf(emulator.url);
        const live = client.stream(RAW_AUDIO);
        await expect(live.opened).rejects.toMatchObject({ name: 'AuthError', status: 401 });
      },
      'comes back after a 429': () => comeBackAfter(429),
      'comes back after a 503': () => comeBackAfter(503),
    },
  },
  F18: {
    sdk: {
      'loses the words': async () => {
        await using emulator = await startFaultyEmulator(DROP);
        await using raw = await openRaw(emulator.url);
        await speakFirst(raw);
        const refusals = await sendPaced(raw, SENTENCES.second);
        await eventually(() => raw.opens()).toBe(2);
        raw.socket.sendCloseStream({ type: 'CloseStream' });
        await eventually(() => raw.messages).toContainEqual(expect.objectContaining({ type: 'Metadata' }));
        expect(String(refusals[0])).toContain('Socket is not open.');
        const heard = raw.finals().map(({ text }) => text);
        expect(heard[0]).toBe('said before');
        expect(heard.join(' ')).not.toContain('and');
      },
    },
    library: {
      'fails with a typed error and keeps what was final, where it must not reconnect': async () => {
        await using emulator = await startFaultyEmulator(DROP);
        await using client = clientOf(emulator.url);
        const live = client.stream({ ...RAW_AUDIO, reconnect: false });
        await speak(live);
        await expect(live.finish()).rejects.toMatchObject(BROKEN);
        expect(live.partial().text).toBe('said before');
      },
      'has every word, once': async () => {
        await transcribeThrough([DROP]);
      },
    },
  },
  F19: {
    sdk: {
      'begins at 0 again': async () => {
        await using emulator = await startFaultyEmulator(DROP);
        await using raw = await openRaw(emulator.url);
        await speakUntilDrop(raw);
        await eventually(() => raw.opens()).toBe(2);
        raw.socket.sendMedia(SENTENCES.first);
        await eventually(() => raw.finals().length).toBe(2);
        const [before, after] = raw.finals();
        expect(after).toEqual(before);
      },
    },
    library: {
      'has one timeline': async () => {
        const { transcript } = await transcribeThrough([DROP]);
        const starts = transcript.channels[0]?.words.map(({ start }) => start) ?? [];
        for (const [index, { start }] of SPEECH.words.entries()) expect(starts[index]).toBeCloseTo(start, 1);
      },
    },
  },
  F21: {
    sdk: {
      'sends the token of the first connection': async () => {
        await using emulator = await startFaultyEmulator(DROP);
        const token = tokens();
        await using raw = await openRaw(emulator.url, { accessToken: token.next });
        await speakUntilDrop(raw);
        await eventually(() => raw.opens()).toBe(2);
        expect(token.asked()).toBe(1);
        expect(credentials(emulator)).toEqual(fingerprints('token-1', 'token-1'));
      },
    },
    library: {
      'asks for a token for each session': async () => {
        await using emulator = await startDeepgramEmulator();
        const token = tokens();
        await using client = clientWithToken(emulator, token.next);
        for (const live of [client.stream(RAW_AUDIO), client.stream(RAW_AUDIO)]) {
          await live.opened;
          await live.finish();
        }
        expect(credentials(emulator).sort()).toEqual(fingerprints('token-1', 'token-2').sort());
      },
      'asks again after a drop': async () => {
        const token = tokens();
        const { requests } = await transcribeThrough([DROP], { accessToken: token.next });
        expect(credentials({ requests })).toEqual(fingerprints('token-1', 'token-2'));
      },
    },
  },
  F26: {
    sdk: {
      'is silent after the last attempt': async () => {
        await using emulator = await startFaultyEmulator(...DROPS);
        await using raw = await openRaw(emulator.url, { reconnectAttempts: 1 });
        await eventually(() => raw.closes).toEqual([1006, 1006]);
        await wait(SECOND_RECONNECT_MS + 500);
        // The last close is told like the first, after which it did come back.
        expect(raw.closes).toEqual([1006, 1006]);
        expect(raw.errors).toEqual([]);
        expect(emulator.requests).toHaveLength(2);
      },
    },
    library: {
      'tells a break as a typed error, where it must not reconnect': async () => {
        await using emulator = await startFaultyEmulator(...DROPS);
        await using client = clientOf(emulator.url);
        const live = client.stream({ ...RAW_AUDIO, reconnect: false });
        const error = new Promise((resolve) => live.once('error', (event) => resolve(event.error)));
        live.send(FRAME).catch(() => undefined);
        await expect(live.finish()).rejects.toMatchObject(BROKEN);
        expect(await error).toMatchObject(BROKEN);
      },
      'tells it after the last attempt': async () => {
        await using emulator = await startFaultyEmulator(...DROPS);
        await using client = clientOf(emulator.url);
        const live = client.stream({ ...RAW_AUDIO, reconnect: { giveUpAfterMs: 300, maxDelayMs: 50 } });
        const seen: string[] = [];
        for (const type of ['reconnecting', 'error'] as const) live.on(type, () => seen.push(type));
        live.send(FRAME).catch(() => undefined);
        await expect(live.finish()).rejects.toMatchObject({ name: 'NetworkError' });
        expect(seen.slice(0, 2)).toEqual(['reconnecting', 'reconnecting']);
        expect(seen.filter((type) => type === 'error')).toHaveLength(1);
        expect(seen.at(-1)).toBe('error');
      },
    },
  },
};

/** A function that gives another token at each call. */
function tokens(): { next(): string; asked(): number } {
  let asked = 0;
  return {
    next: () => {
      asked += 1;
      return `token-${asked}`;
    },
    asked: () => asked,
  };
}

function clientWithToken(emulator: DeepgramEmulator, accessToken: () => string) {
  return clientOf(emulator.url, { accessToken });
}

function credentials({ requests }: Pick<DeepgramEmulator, 'requests'>): (string | undefined)[] {
  return requests.map(({ credential }) => credential?.fingerprint);
}

function fingerprints(...tokenTexts: string[]): string[] {
  return tokenTexts.map((token) => credentialFingerprint(token));
}
