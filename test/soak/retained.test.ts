import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startServer } from '../bench/processes.mjs';
import { minimaOf, slopeOf } from './regression.js';
import { scaled } from './settings.js';

const CALLS = scaled(100_000, 500);
const STREAMS = scaled(10_000, 100);
/** Enough for a straight line through the second half. */
const SAMPLES = 100;
const PER_SAMPLE = { calls: Math.max(100, CALLS / SAMPLES), streams: Math.max(20, STREAMS / SAMPLES) };
/**
 * The heap of a sample is what is retained and, now and then, some 100 kB that the collector has not let go of yet:
 * that only ever adds. So of this many samples the smallest counts.
 */
const SAMPLES_PER_MINIMUM = 5;
/** Code that V8 compiles, throws away and compiles again would be most of what the heap gains and loses. */
const STEADY_HEAP = ['--expose-gc', '--no-opt', '--no-flush-bytecode', '--single-threaded'];
/** Below it, code that is still being compiled is most of what the heap gains. */
const LEAST_CALLS_FOR_SLOPE = 50_000;
/** Bytes for each 1,000 calls, two standard errors included. */
const CALLS_BAR = 1000;
/** Bytes for each 1,000 sessions, two standard errors included. */
const STREAMS_BAR = 1000;
const EXIT_BAR_MS = 100;

interface Figures {
  /** Bytes after each sample. */
  readonly callHeap: readonly number[];
  readonly streamHeap: readonly number[];
  readonly callSeconds: number;
  readonly streamSeconds: number;
  readonly retainedSessions: number;
  readonly sockets: number;
  readonly timers: number;
  readonly exitMs: number;
}

async function measure(): Promise<Figures> {
  const server = await startServer('emulator.mjs');
  try {
    const script = fileURLToPath(new URL('processes/retained.mjs', import.meta.url));
    const parameters = {
      url: server.url,
      calls: CALLS,
      callsPerSample: Math.ceil(PER_SAMPLE.calls),
      streams: STREAMS,
      streamsPerSample: Math.ceil(PER_SAMPLE.streams),
      parallel: 100,
    };
    const child = spawn(process.execPath, [...STEADY_HEAP, script, JSON.stringify(parameters)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = await text(child.stdout);
    return JSON.parse(output);
  } finally {
    await server.close();
  }
}

/** Bytes that 1,000 calls more left on the heap, in the second half of the run. */
function growth(samples: readonly number[], calls: number): { bytes: number; error: number } {
  const { slope, error } = slopeOf(minimaOf(samples.slice(samples.length / 2), SAMPLES_PER_MINIMUM));
  const perThousand = 1000 / (calls / samples.length) / SAMPLES_PER_MINIMUM;
  return { bytes: slope * perThousand, error: error * perThousand };
}

function show({ bytes, error }: { bytes: number; error: number }): string {
  return `${bytes.toFixed(0)} ± ${(2 * error).toFixed(0)}`;
}

describe('many calls and live sessions', () => {
  it(`leave nothing behind: ${CALLS} calls, ${STREAMS} sessions`, async () => {
    const figures = await measure();
    const { callHeap, streamHeap, ...rest } = figures;
    console.log('retained:', rest);
    expect(figures).toMatchObject({ retainedSessions: 0, sockets: 0, timers: 0 });
    expect(figures.exitMs).toBeLessThan(EXIT_BAR_MS);
    if (CALLS < LEAST_CALLS_FOR_SLOPE) return;
    const calls = growth(callHeap, CALLS);
    const streams = growth(streamHeap, STREAMS);
    console.log(`retained: bytes for 1,000 more: calls ${show(calls)}, sessions ${show(streams)}`);
    expect(calls.bytes + 2 * calls.error).toBeLessThan(CALLS_BAR);
    expect(streams.bytes + 2 * streams.error).toBeLessThan(STREAMS_BAR);
  }, 1_800_000);
});
