// @ts-check
// What Next.js and the bridge share: one storage, one queue and one folder for queued audio. SQLite joins the processes
// of one machine; for several take /postgres, /bullmq and /s3.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TranscriptionClient } from 'transcription-client';
import { createFileAudioStore } from 'transcription-client/files';
import { createSqliteQueue, createSqliteStorage } from 'transcription-client/sqlite';

/** The key is DEEPGRAM_API_KEY, which the client reads by itself, at the first call. */
export function openClient() {
  const { DATA_FOLDER = 'data', DEEPGRAM_ENDPOINT } = process.env;
  mkdirSync(DATA_FOLDER, { recursive: true, mode: 0o700 });
  const path = join(DATA_FOLDER, 'speech.db');
  const storage = createSqliteStorage({ path });
  const client = new TranscriptionClient({
    storage,
    audioStore: createFileAudioStore({ directory: join(DATA_FOLDER, 'audio') }),
    // A route handler ends with its answer. Jobs are worked on by bridge.mjs, which stays.
    queue: { adapter: createSqliteQueue({ path }), autoStart: false },
    ...(DEEPGRAM_ENDPOINT === undefined
      ? {}
      : { regions: [{ name: 'custom', endpoint: DEEPGRAM_ENDPOINT, allowedSources: ['127.0.0.1'] }] }),
  });
  return { client, storage };
}
