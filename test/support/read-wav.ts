import { readFileSync } from 'node:fs';
import type { PcmAudio } from '../../src/testing/recognizer.js';

const CHUNKS_START = 12;

/** Reads a WAV file of one channel and 16 bits; throws for any other kind. */
export function readWav(path: string): PcmAudio {
  const file = readFileSync(path);
  const format = findChunk(file, 'fmt ');
  if (format.readUInt16LE(2) !== 1 || format.readUInt16LE(14) !== 16) {
    throw new Error(`${path} is not mono with 16 bits.`);
  }
  const data = findChunk(file, 'data');
  const samples = Int16Array.from({ length: data.length >> 1 }, (_, index) => data.readInt16LE(index * 2));
  return { samples, sampleRate: format.readUInt32LE(4) };
}

function findChunk(file: Buffer, id: string): Buffer {
  for (let at = CHUNKS_START; at + 8 <= file.length; ) {
    const size = file.readUInt32LE(at + 4);
    if (file.toString('latin1', at, at + 4) === id) return file.subarray(at + 8, at + 8 + size);
    // Chunks of an odd size are padded to an even one.
    at += 8 + size + (size % 2);
  }
  throw new Error(`The WAV file has no chunk '${id}'.`);
}
