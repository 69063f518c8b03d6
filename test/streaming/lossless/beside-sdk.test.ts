import { expect, test } from 'vitest';
import { lossesOf, lossTable, SCENARIOS, SPEECH } from './beside-sdk.js';

test('where the raw SDK loses words and times, none is lost here', async () => {
  const rows = await Promise.all(
    Object.entries(SCENARIOS).map(async ([name, faults]) => [name, await lossesOf(faults)] as const),
  );
  console.log(`${SPEECH.words.length} words in ${SPEECH.durationSeconds.toFixed(1)} s:\n${lossTable(rows)}`);
  for (const [name, { sdk, library }] of rows) {
    expect(sdk.words, name).toBeGreaterThan(0);
    expect(library, name).toMatchObject({ words: 0, seconds: 0 });
    expect(library.secondsOff, name).toBeLessThan(0.05);
  }
}, 60_000);
