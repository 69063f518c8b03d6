import { describe, expect, it } from 'vitest';
import { readEvents, type ServerEvent } from '../../../src/server/http-client/event-stream.js';

function bodyOf(chunks: readonly Uint8Array[], onCancel = (): void => undefined): ReadableStream<Uint8Array> {
  const waiting = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = waiting.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: onCancel,
  });
}

async function read(chunks: readonly Uint8Array[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEvents(bodyOf(chunks))) events.push(event);
  return events;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a stream of events', () => {
  it.each([
    ['line feeds', '\n'],
    ['carriage returns', '\r'],
    ['both', '\r\n'],
  ])('is the same however its bytes arrive, with %s', async (_what, end) => {
    const lines = [
      ': a comment',
      'retry: 20',
      '',
      'event: active',
      'id: 1',
      'data: {"text":',
      'data: "grün 👋"}',
      '',
      'event: forgotten',
      '',
      'data:no space',
      'nonsense: x',
      'data',
      '',
      'id',
      'data:  two spaces',
      '',
      'data: cut off',
    ];
    const text = bytes(lines.join(end));
    const expected = [
      { type: 'active', id: '1', data: '{"text":\n"grün 👋"}' },
      { type: 'message', id: '1', data: 'no space\n' },
      { type: 'message', id: '', data: ' two spaces' },
    ];
    for (let size = 1; size <= text.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
        text.subarray(index * size, (index + 1) * size),
      );
      expect(await read(chunks), `in chunks of ${size}`).toEqual(expected);
    }
  });

  it('tells how long to wait, and when bytes are waited for', async () => {
    const told: string[] = [];
    const listeners = {
      onWait: () => void told.push('wait'),
      onBytes: () => void told.push('bytes'),
      onRetry: (delayMs: number) => void told.push(`retry ${delayMs}`),
    };
    for await (const { data } of readEvents(bodyOf([bytes('retry: 7\nretry: x\ndata: a\n\n')]), listeners)) {
      told.push(data);
    }
    expect(told).toEqual(['wait', 'bytes', 'retry 7', 'a', 'wait']);
  });

  it('is let go of by whoever stops to read', async () => {
    let isCancelled = false;
    const body = bodyOf([bytes('data: 1\n\n'), bytes('data: 2\n\n')], () => {
      isCancelled = true;
    });
    for await (const { data } of readEvents(body)) {
      expect(data).toBe('1');
      break;
    }
    expect(isCancelled).toBe(true);
  });

  it('that has a long line in many pieces is read in no time', async () => {
    const data = 'x'.repeat(900_000);
    const text = bytes(`data: ${data}\n\n`);
    const pieces = Array.from({ length: Math.ceil(text.length / 16) }, (_, index) =>
      text.subarray(index * 16, (index + 1) * 16),
    );
    const chunks = pieces.values();
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const { done, value } = chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    });
    const before = performance.now();
    for await (const event of readEvents(body)) expect(event.data).toBe(data);
    // A hundred times as long where the whole line is looked at again with each piece.
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('that has a line without an end is given up', async () => {
    const endless = Array.from({ length: 30 }, () => bytes('x'.repeat(65_536)));
    await expect(read(endless)).rejects.toThrow('too long');
  });
});
