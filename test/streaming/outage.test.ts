import { describe, expect, it } from 'vitest';
import { results } from '../support/fake-live-transport.js';
import {
  CountingStore,
  heard,
  openSession,
  SECOND_BYTES,
  silence,
  startSession,
} from '../support/live-session.js';

const UNTOLD = { encoding: undefined, sample_rate: undefined } as const;
const never = () => new Promise<never>(() => undefined);
/** No known format. */
const opaque = (bytes: number) => new Uint8Array(bytes).fill(0xff);

function wavHead(details: { tag?: number; bytesPerSecond?: number; dataBytes?: number } = {}): Uint8Array {
  const { tag = 1, bytesPerSecond = SECOND_BYTES, dataBytes = 0xffff_ffff } = details;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(0xffff_ffff, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(tag, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(bytesPerSecond / 2, 24);
  head.writeUInt32LE(bytesPerSecond, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(dataBytes, 40);
  return head;
}

describe('the memory of a session', () => {
  it('is none at all with replaySeconds: 0', async () => {
    const rig = await openSession({ settings: { replaySeconds: 0 } });
    rig.transport.connection.drop(1006);
    for (let second = 0; second < 100; second += 1) rig.live.send(silence(1)).catch(() => undefined);
    expect(rig.live.stats().bytesHeld).toBeLessThanOrEqual(SECOND_BYTES);
    await rig.clock.advance(300);
    await rig.open();
    expect(rig.of('gap')).toMatchObject([{ from: 0, reason: 'no-room' }]);
    expect(rig.of('gap')[0]?.to).toBeGreaterThanOrEqual(99);
  });

  it.each([
    ['while it connects', undefined],
    ['while it waits for a place', never],
  ])('makes a sender wait that awaits its chunks, with a store too: %s', async (_name, acquire) => {
    const rig = startSession({ store: new CountingStore(), ...(acquire && { acquire }) });
    await rig.clock.advance(0);
    let taken = 0;
    const sending = (async () => {
      for (; taken < 1000; taken += 1) await rig.live.send(silence(1));
    })().catch(() => undefined);
    for (let turn = 0; turn < 20; turn += 1) await rig.clock.advance(0);
    expect(taken).toBe(30);
    rig.live.abort();
    await sending;
  });

  it.each([
    ['without a store: a gap', undefined],
    ['with one: a repair', new CountingStore()],
  ])('lets nothing vanish that was sent and did not become final, %s', async (_name, store) => {
    const durations: number[] = [];
    const rig = await openSession({
      settings: { replaySeconds: 2 },
      ...(store && { store }),
      transcribe: async ({ durationSeconds }) => {
        durations.push(durationSeconds);
        return { channels: [] } as never;
      },
    });
    const speak = async () => {
      for (let second = 0; second < 20; second += 1) {
        await rig.speak(1);
        rig.transport.connection.message(results('hello', { isFinal: false }));
      }
    };
    await speak();
    await rig.reopen();
    await rig.clock.advance(100);
    const replayed = rig.transport.connections[0]?.audio.length;
    expect(replayed).toBe(20 * SECOND_BYTES);
    const missing = 20 - rig.live.stats().bytesHeld / SECOND_BYTES;
    expect(missing).toBeGreaterThan(10);
    const told = store ? durations : rig.of('gap').map(({ from, to }) => to - from);
    expect(told).toHaveLength(1);
    expect(told[0]).toBeCloseTo(missing, 5);
    expect(rig.of('gap').map(({ reason }) => reason)).toEqual(store ? [] : ['no-room']);
  });

  it('does not keep in the store what became final after all', async () => {
    const store = new CountingStore();
    const rig = await openSession({ settings: { replaySeconds: 2 }, store });
    for (let second = 0; second < 20; second += 1) {
      await rig.speak(1);
      rig.transport.connection.message(results('hello', { isFinal: false }));
    }
    expect(store.sizes).toHaveLength(1);
    rig.transport.connection.message(heard(0, 20));
    await rig.reopen();
    await rig.clock.advance(100);
    expect(rig.of('gap')).toEqual([]);
    expect(rig.live.stats().bytesHeld).toBe(0);
  });
});

describe('an outage with a store', () => {
  it.each([
    ['one channel of 16 kHz', {}, silence(1), 200],
    ['two of 48 kHz', { sample_rate: 48_000, channels: 2 }, new Uint8Array(192_000), 29],
  ])(
    'that lasts until the end loses nothing of a large memory: %s',
    async (_name, settings, chunk, count) => {
      const store = new CountingStore();
      const rig = await openSession({
        settings: { replaySeconds: 200, finishTimeoutMs: 1000, ...settings },
        store,
      });
      rig.transport.connection.drop(1006);
      for (let second = 0; second < count; second += 1) rig.live.send(chunk).catch(() => undefined);
      const finished = rig.live.finish();
      await rig.clock.advance(1500);
      await rig.clock.advance(100);
      await finished;
      expect(rig.of('gap')).toEqual([]);
      expect(store.sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(chunk.length * count);
    },
  );

  it('loses nothing of a sender that awaits its chunks, however slow the store is', async () => {
    const store = new CountingStore();
    store.onPiece = () => new Promise<void>((resolve) => setImmediate(resolve));
    const rig = await openSession({ settings: { replaySeconds: 5 }, store });
    rig.transport.connection.drop(1006);
    for (let second = 0; second < 400; second += 1) await rig.live.send(silence(1));
    await rig.clock.advance(300);
    await rig.open();
    expect(rig.of('gap')).toEqual([]);
  });

  it.each([SECOND_BYTES, 6_000_000])(
    'makes a sender that awaits its chunks wait while the store takes nothing: chunks of %i bytes',
    async (bytes) => {
      const store = new CountingStore();
      let take: () => void = () => undefined;
      const isTaking = new Promise<void>((resolve) => {
        take = resolve;
      });
      store.onPiece = () => isTaking;
      const rig = await openSession({ settings: { replaySeconds: 1 }, store });
      rig.transport.connection.drop(1006);
      const chunk = new Uint8Array(bytes);
      const count = 500;
      let taken = 0;
      const sending = (async () => {
        for (; taken < count; taken += 1) await rig.live.send(chunk);
      })().catch(() => undefined);
      for (let turn = 0; turn < 20; turn += 1) await rig.clock.advance(0);
      const before = taken;
      expect(before).toBeLessThan(200);
      for (let turn = 0; turn < 20; turn += 1) await rig.clock.advance(0);
      expect(taken).toBe(before);
      take();
      for (let turn = 0; turn < 20 && taken === before; turn += 1) await rig.clock.advance(0);
      expect(taken).toBeGreaterThan(before);
      rig.live.abort();
      await sending;
      expect(rig.of('gap')).toEqual([]);
    },
  );

  it('is a gap of the reason store-failed where the store fails at its end', async () => {
    const store = new CountingStore();
    store.onEnd = () => Promise.reject(new Error('The disk is full.'));
    const rig = await openSession({ settings: { replaySeconds: 1 }, store });
    rig.transport.connection.drop(1006);
    await rig.speak(6);
    await rig.open();
    await rig.clock.advance(100);
    expect(rig.of('gap')).toEqual([{ type: 'gap', from: 0, to: 5, reason: 'store-failed' }]);
  });

  it('loses one minute where the store fails once', async () => {
    const store = new CountingStore();
    store.onPiece = (put, bytes) =>
      put === 0 && bytes > SECOND_BYTES ? Promise.reject(new Error('EIO')) : undefined;
    const spans: number[] = [];
    const rig = await openSession({
      settings: { replaySeconds: 1 },
      store,
      transcribe: async ({ durationSeconds }) => {
        spans.push(durationSeconds);
        return { channels: [] } as never;
      },
    });
    rig.transport.connection.drop(1006);
    await rig.speak(200);
    await rig.open();
    await rig.clock.advance(100);
    expect(rig.of('gap')).toEqual([{ type: 'gap', from: 0, to: 60, reason: 'store-failed' }]);
    expect(spans.reduce((sum, span) => sum + span, 60)).toBeCloseTo(199, 1);
  });
});

describe('a format that cannot be sent again from its middle', () => {
  it('has a gap where nothing was heard before the drop', async () => {
    const rig = await openSession({ settings: UNTOLD });
    await rig.live.send(opaque(100_000));
    await rig.reopen();
    expect(rig.of('gap')).toMatchObject([{ from: 0, reason: 'format' }]);
    expect(rig.of('gap')[0]?.to).toBeGreaterThan(0);
    expect(rig.live.stats().gapSeconds).toBeGreaterThan(0);
  });

  it('goes on with times that are estimated by its bytes', async () => {
    const rig = await openSession({ settings: UNTOLD });
    await rig.live.send(opaque(48_000));
    rig.transport.connection.message({ ...results('one two'), start: 0, duration: 3 });
    await rig.live.send(opaque(32_000));
    await rig.reopen();
    expect(rig.of('gap')).toEqual([{ type: 'gap', from: 3, to: 5, reason: 'format' }]);
    rig.transport.connection.message(results('three', { start: 1 }));
    expect(rig.of('final').at(-1)).toMatchObject({ text: 'three', start: 6 });
  });

  it('has no gap where all was final', async () => {
    const rig = await openSession({ settings: UNTOLD });
    await rig.live.send(opaque(48_000));
    rig.transport.connection.message({ ...results('one two'), start: 0, duration: 3 });
    await rig.reopen();
    expect(rig.of('gap')).toEqual([]);
  });

  it('has a gap for what was too much for the memory', async () => {
    const rig = await openSession({ settings: UNTOLD });
    await rig.live.send(opaque(16_000));
    rig.transport.connection.message({ ...results('one two'), start: 0, duration: 1 });
    rig.transport.connection.drop(1006);
    for (let chunk = 0; chunk < 100; chunk += 1) rig.live.send(opaque(100_000)).catch(() => undefined);
    await rig.clock.advance(300);
    await rig.open();
    const resent = rig.transport.connection.audio.length;
    expect(rig.of('gap')).toMatchObject([{ from: 1, reason: 'no-room' }]);
    expect(rig.of('gap')[0]?.to).toBeCloseTo(1 + (10_000_000 - resent) / 16_000, 5);
  });

  it('has a gap for each of two outages, and puts nothing into a store', async () => {
    const store = new CountingStore();
    const rig = await openSession({
      settings: { encoding: 'opus', sample_rate: 48_000, replaySeconds: 1 },
      store,
    });
    for (let outage = 0; outage < 2; outage += 1) {
      rig.transport.connection.drop(1006);
      for (let chunk = 0; chunk < 100; chunk += 1) rig.live.send(opaque(100_000)).catch(() => undefined);
      await rig.clock.advance(6000);
      await rig.open();
    }
    const gaps = rig.of('gap');
    expect(gaps).toHaveLength(2);
    expect(gaps[1]?.from).toBeCloseTo(gaps[0]?.to ?? 0, 5);
    expect(store.sizes).toEqual([]);
  });

  it('is one in a container that is not understood: words after a drop are told', async () => {
    const rig = await openSession({ settings: UNTOLD });
    await rig.live.send(wavHead({ tag: 0x45 }));
    for (let chunk = 0; chunk < 100; chunk += 1) {
      await rig.live.send(new Uint8Array(100_000));
      if (chunk % 5 === 4)
        rig.transport.connection.message(results('old', { start: chunk * 25, duration: 25 }));
    }
    expect(rig.live.stats().bytesHeld).toBe(0);
    await rig.reopen();
    rig.transport.connection.message(results('new words here', { start: 1 }));
    expect(rig.of('final').at(-1)?.text).toBe('new words here');
  });
});

describe('a WAV stream', () => {
  it('that is longer than its header says is let go of, and begins with the header again', async () => {
    const rig = await openSession({ settings: { ...UNTOLD, replaySeconds: 5 } });
    await rig.live.send(wavHead({ dataBytes: SECOND_BYTES }));
    for (let second = 0; second < 30; second += 1) {
      await rig.speak(1);
      rig.transport.connection.message(heard(second, second + 1));
    }
    expect(rig.live.stats().bytesHeld).toBeLessThanOrEqual(SECOND_BYTES);
    await rig.reopen();
    await rig.speak(2);
    expect(Buffer.from(rig.transport.connection.audio.subarray(0, 4)).toString('latin1')).toBe('RIFF');
    expect(rig.of('gap')).toEqual([]);
  });

  it('keeps no cut points of audio that has left the memory', async () => {
    const { AudioMap } = await import('../../src/streaming/audio-map.js');
    const forgotten: number[] = [];
    const forget = AudioMap.prototype.forget;
    AudioMap.prototype.forget = function (position) {
      forgotten.push(position);
      forget.call(this, position);
    };
    try {
      const rig = await openSession({ settings: { ...UNTOLD, replaySeconds: 2 } });
      await rig.live.send(wavHead());
      for (let second = 0; second < 60; second += 1) {
        await rig.speak(1);
        rig.transport.connection.message(results('hello', { isFinal: false }));
      }
      const stats = rig.live.stats();
      expect(forgotten.at(-1)).toBe(stats.bytesSent - stats.bytesHeld);
    } finally {
      AudioMap.prototype.forget = forget;
    }
  });
});
