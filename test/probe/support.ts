import { type AudioSource, fromFile } from 'transcription-client';
import { systemClock } from '../../src/internal/system-clock.js';
import { localOpener, probeSeconds } from '../../src/probe/index.js';
import type { LoadParser } from '../../src/probe/parsed.js';
import type { RangeReader } from '../../src/probe/range-reader.js';

export interface ProbeReport {
  readonly seconds: number | undefined;
  readonly bytesRead: number;
  readonly elapsedMs: number;
  readonly isClosed: boolean;
  readonly isMissingTold: boolean;
}

/** Probes, and tells what it cost. */
export async function probe(
  open: (signal: AbortSignal) => Promise<RangeReader>,
  more: { readonly signal?: AbortSignal; readonly load?: LoadParser } = {},
): Promise<ProbeReport> {
  let bytesRead = 0;
  let isClosed = false;
  let isMissingTold = false;
  const startedAt = performance.now();
  const seconds = await probeSeconds({
    clock: systemClock,
    signal: new AbortController().signal,
    onMissing: () => {
      isMissingTold = true;
    },
    ...more,
    async open(signal) {
      const reader = await open(signal);
      return {
        ...reader,
        async read(start, length) {
          const bytes = await reader.read(start, length);
          bytesRead += bytes.length;
          return bytes;
        },
        async close() {
          isClosed = true;
          await reader.close();
        },
      };
    },
  });
  await new Promise(setImmediate);
  return { seconds, bytesRead, elapsedMs: performance.now() - startedAt, isClosed, isMissingTold };
}

export async function probeSource(source: AudioSource): Promise<ProbeReport> {
  const open = localOpener(source);
  if (open === undefined) throw new Error('This source is none that can be probed.');
  return probe(open);
}

export const probeFile = (path: string): Promise<ProbeReport> => probeSource(fromFile(path));
