import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileAudioStore } from '../../src/adapters/files/index.js';
import { bytes, readRef } from '../../src/testing/contract/audio-store-samples.js';
import { buildProgram, type ChildProgram } from './files-child.js';

const KILLS = 25;
/** A round lasts up to so long from its first put. */
const LONGEST_ROUND_MS = 60;

/**
 * Puts audio without end, three at a time, and prints the refs. Audio tells its own size and seed in its first eight
 * bytes.
 */
const WRITER = `
import { createFileAudioStore } from '@/src/adapters/files/index.js';
import { bytes } from '@/src/testing/contract/audio-store-samples.js';

const store = createFileAudioStore({ directory: process.argv[2] });
let seed = Number(process.argv[3]);

async function* audio(size, seed) {
  const all = Buffer.from(bytes(size, seed));
  all.writeUInt32LE(size, 0);
  all.writeUInt32LE(seed, 4);
  for (let offset = 0; offset < size; offset += 65_536) yield all.subarray(offset, offset + 65_536);
}

async function write() {
  for (;;) {
    seed += 1;
    const { ref } = await store.put(audio(8 + ((seed * 7919) % 1_500_000), seed));
    process.stdout.write(ref + '\\n');
  }
}

await Promise.all([write(), write(), write()]);
`;

const isRef = (name: string): boolean => /^aud_[0-9a-f]{32}$/.test(name);

function isWhole(audio: Buffer): boolean {
  if (audio.byteLength < 8) return false;
  const [size, seed] = [audio.readUInt32LE(0), audio.readUInt32LE(4)];
  if (size !== audio.byteLength) return false;
  return Buffer.compare(audio.subarray(8), bytes(size, seed).subarray(8)) === 0;
}

describe('a process that is killed while it puts audio', () => {
  const directory = join(mkdtempSync(join(tmpdir(), 'transcription-client-crash-')), 'audio');
  let writer: ChildProgram;
  beforeAll(async () => {
    writer = await buildProgram(WRITER);
  });
  afterAll(() => {
    writer.dispose();
    rmSync(join(directory, '..'), { recursive: true, force: true });
  });

  /** Kills a writer somewhere after its first put. Resolves to the refs that it was given. */
  async function killOne(seed: number, delayMs: number): Promise<string[]> {
    const child = writer.start([directory, String(seed)]);
    const text: string[] = [];
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => text.push(chunk));
    await once(child.stdout ?? child, 'data');
    await sleep(delayMs);
    child.kill('SIGKILL');
    await once(child, 'close');
    return text.join('').split('\n').filter(isRef);
  }

  it('leaves only whole audio, all that was put, and what a purge clears', { timeout: 120_000 }, async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    console.log(`Seed of the kills: ${seed}`);
    let state = seed;
    let leftovers = 0;
    const seen = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const refs = await killOne(seed + kill * 10_000, (state / 2 ** 32) * LONGEST_ROUND_MS);
      const names = readdirSync(directory);
      leftovers += names.filter((name) => name.endsWith('.part')).length;
      for (const ref of refs) expect(names).toContain(ref);
      for (const name of names.filter(isRef)) {
        expect(isWhole(readFileSync(join(directory, name))), `${name} after kill ${kill}`).toBe(true);
        seen.add(name);
      }
      for (const name of names) expect(name).toMatch(/^aud_[0-9a-f]{32}(\.part)?$/);
      await clear(names);
    }
    console.log(`${seen.size} audios were whole, ${leftovers} were left unfinished.`);
    // Otherwise no kill came in the middle of a put.
    expect(leftovers).toBeGreaterThan(0);
    expect(seen.size).toBeGreaterThan(KILLS);
  });

  /** By a purge, hours later. */
  async function clear(names: readonly string[]): Promise<void> {
    const store = createFileAudioStore({ directory });
    const some = names.find(isRef);
    if (some !== undefined) await readRef(store, some);
    const then = Date.now() / 1000 - 7200;
    for (const name of names) utimesSync(join(directory, name), then, then);
    const purged = await store.purge?.({ createdBefore: new Date(Date.now() - 3_600_000).toISOString() });
    expect(purged).toBe(names.filter(isRef).length);
    expect(readdirSync(directory)).toEqual([]);
  }
});
