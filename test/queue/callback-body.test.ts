import { describe, expect, it } from 'vitest';
import { CallbackBodies } from '../../src/queue/callback-body.js';
import { HeldBodies } from '../../src/queue/held-bodies.js';
import { failureOf } from '../support/client.js';
import { ManualClock } from '../support/manual-clock.js';

const MIB = 1024 * 1024;
const TOO_MANY = { name: 'RateLimitError', code: 'too_many_waiting', retryable: true };

/** A body whose chunks are sent by hand. */
function bodyByHand() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  return {
    stream,
    send: (chunk: Uint8Array) => controller?.enqueue(chunk),
    end: () => controller?.close(),
  };
}

/** What is sent has been taken. */
const taken = () => new Promise((resolve) => setImmediate(resolve));

const outcomeOf = (reading: Promise<unknown>): Promise<unknown> =>
  Promise.race([reading.catch((error) => error), taken().then(() => 'waiting')]);

describe('bodies of callbacks that come at the same time', () => {
  it('are whole, however they are cut', async () => {
    const bodies = new CallbackBodies(MIB, new ManualClock());
    const value = { text: 'größer als 100 €', filling: 'x'.repeat(50_000) };
    const bytes = Buffer.from(JSON.stringify(value));
    for (const size of [1, 7, 4096, 16_384, 16_385, 49_000, bytes.length]) {
      async function* cut() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      expect(await bodies.read(cut()), `in chunks of ${size}`).toEqual({ type: 'json', value });
    }
  });

  it('hold no more than four of the largest size: then the largest is refused', async () => {
    const bodies = new CallbackBodies(20 * MIB, new ManualClock());
    const open = [5, 20, 19, 18, 17].map((size) => {
      const body = bodyByHand();
      const reading = bodies.read(body.stream);
      reading.catch(() => undefined);
      body.send(new Uint8Array(size * MIB).fill(0x20));
      return { body, reading };
    });
    await taken();
    for (const { reading } of open) expect(await outcomeOf(reading)).toBe('waiting');

    const text = JSON.stringify({ text: 'x'.repeat(2 * MIB) });
    const honest = bodyByHand();
    const reading = bodies.read(honest.stream);
    honest.send(Buffer.from(text));
    honest.end();
    expect(await reading).toEqual({ type: 'json', value: JSON.parse(text) });
    expect(await failureOf(open[1]?.reading as Promise<unknown>)).toMatchObject(TOO_MANY);
    for (const index of [0, 2, 3, 4]) expect(await outcomeOf(open[index]?.reading as never)).toBe('waiting');

    // The body that grows may be the largest itself.
    for (const size of [5, 16]) {
      const body = bodyByHand();
      bodies.read(body.stream).catch(() => undefined);
      body.send(new Uint8Array(size * MIB));
    }
    await taken();
    expect(await outcomeOf(open[2]?.reading as never)).toBe('waiting');
    open[2]?.body.send(new Uint8Array(MIB));
    expect(await failureOf(open[2]?.reading as never)).toMatchObject(TOO_MANY);
    for (const index of [0, 3, 4]) expect(await outcomeOf(open[index]?.reading as never)).toBe('waiting');
  });

  it('do not count any longer when they were read', async () => {
    const bodies = new CallbackBodies(16 * MIB, new ManualClock());
    const body = Buffer.alloc(16 * MIB, ' ');
    for (let count = 0; count < 6; count += 1) {
      const readings = Array.from({ length: 4 }, () => bodies.read(new Blob([body]).stream()));
      for (const reading of readings) expect(await reading).toEqual({ type: 'malformed' });
    }
  });

  it('may be many small ones, also where the largest size is small', async () => {
    const bodies = new CallbackBodies(50_000, new ManualClock());
    const open = Array.from({ length: 500 }, (_, index) => {
      const body = bodyByHand();
      body.send(Buffer.from(JSON.stringify({ index, filling: 'x'.repeat(40_000) })));
      return { body, reading: bodies.read(body.stream) };
    });
    await taken();
    for (const { body } of open) body.end();
    for (const { reading } of open) expect(await reading).toMatchObject({ type: 'json' });
  });

  it('have a minute to come to their end, however they trickle', async () => {
    const clock = new ManualClock();
    const bodies = new CallbackBodies(MIB, clock);
    const body = bodyByHand();
    const reading = bodies.read(body.stream);
    reading.catch(() => undefined);
    for (let second = 0; second < 59; second += 1) {
      body.send(Buffer.from(' '));
      await taken();
      await clock.advance(1000);
    }
    expect(await outcomeOf(reading)).toBe('waiting');
    await clock.advance(1000);
    expect(await failureOf(reading)).toMatchObject({
      name: 'TimeoutError',
      code: 'timeout',
      retryable: true,
    });
    expect(await bodies.read(new Blob(['{}']).stream())).toEqual({ type: 'json', value: {} });
    await clock.advance(120_000);
  });
});

describe('what is held of a body', () => {
  it('of a few bytes is little: many of them keep nobody out', () => {
    const bodies = new HeldBodies(64 * MIB, new ManualClock());
    const tiny = Array.from({ length: 16_384 }, () => bodies.hold());
    for (const body of tiny) body.add(Buffer.from('{'));
    const honest = bodies.hold();
    honest.add(Buffer.alloc(MIB));
    expect(honest.refused.aborted).toBe(false);
    for (const body of [...tiny, honest]) body.release();
  });

  it('is what is counted, also where its chunks are small parts of something large', () => {
    const bodies = new HeldBodies(100 * MIB, new ManualClock());
    const body = bodies.hold();
    for (let count = 0; count < 100_000; count += 1)
      body.add(new Uint8Array(65_536).subarray(7, 8).fill(0x41));
    expect(body.length).toBe(100_000);
    expect(body.heldBytes).toBeLessThan(100_000 + 16_384);
    expect(Buffer.from(body.bytes()).toString()).toBe('A'.repeat(100_000));
    body.release();
    expect([body.length, body.heldBytes]).toEqual([0, 0]);
  });
});
