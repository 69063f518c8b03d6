// @ts-check
// Saves `records` transcripts of `words` words, and lists those of a user. Reports the milliseconds of each call.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPostgresStorage } from 'transcription-client/postgres';
import { createSqliteStorage } from 'transcription-client/sqlite';
import { parameters, report } from '../processes.mjs';

/** @import { RecordInput } from 'transcription-client' */

const USERS = 100;
const LISTS = 200;

const { kind, url, records, words } = parameters();
const folder = mkdtempSync(join(tmpdir(), 'bench-storage-'));
const storage =
  kind === 'sqlite'
    ? createSqliteStorage({ path: join(folder, 'records.db') })
    : createPostgresStorage({ connectionString: url });
await storage.health?.();

const saves = [];
for (let index = 0; index < records; index += 1) {
  const record = transcript(index);
  saves.push(await timed(() => storage.put(record)));
}
const lists = [];
for (let index = 0; index < LISTS; index += 1) {
  lists.push(await timed(() => storage.list('transcripts', { userId: `user-${index % USERS}` })));
}
await storage.close?.();
rmSync(folder, { recursive: true });
report({ saves, lists });

/**
 * Its words are in the transcript and in Deepgram's answer.
 *
 * @param {number} index
 * @returns {RecordInput}
 */
function transcript(index) {
  const spoken = Array.from({ length: words }, (_, word) => ({
    word: `word${word}`,
    start: word * 0.4,
    end: word * 0.4 + 0.3,
    confidence: 0.98,
  }));
  const text = spoken.map(({ word }) => word).join(' ');
  return {
    collection: 'transcripts',
    id: `tr_${index}`,
    userId: `user-${index % USERS}`,
    status: 'completed',
    createdAt: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString(),
    data: {
      text,
      channels: [{ text, words: spoken }],
      response: { results: { channels: [{ words: spoken }] } },
    },
  };
}

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
