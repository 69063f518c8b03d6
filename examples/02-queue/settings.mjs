// @ts-check
// What the processes share: one queue in Redis, one storage, one secret for webhooks.
import { TranscriptionClient } from 'transcription-client';
import { createBullmqQueue } from 'transcription-client/bullmq';
import { createPostgresStorage } from 'transcription-client/postgres';
import { createSqliteStorage } from 'transcription-client/sqlite';

const {
  REDIS_URL = 'redis://127.0.0.1:6379',
  DATABASE_URL = 'sqlite:jobs.db',
  DEEPGRAM_ENDPOINT,
  WEBHOOK_ALLOW,
} = process.env;

/** Signs webhooks, and checks them. A real one is random, and comes from a secret store. */
export const WEBHOOK_SECRET = process.env.WEBHOOK_SECRET ?? 'only-for-this-example-on-one-machine';

export function openClient() {
  const storage = openStorage(DATABASE_URL);
  const client = new TranscriptionClient({
    storage,
    queue: createBullmqQueue({ connection: REDIS_URL }),
    webhooks: {
      secret: WEBHOOK_SECRET,
      // Webhooks go to public hosts over https only. A receiver on this machine has to be named.
      ...(WEBHOOK_ALLOW === undefined ? {} : { allow: WEBHOOK_ALLOW.split(',') }),
    },
    ...(DEEPGRAM_ENDPOINT === undefined
      ? {}
      : { regions: [{ name: 'custom', endpoint: DEEPGRAM_ENDPOINT }] }),
  });
  return { client, storage };
}

/**
 * A SQLite file is shared by the processes of one machine, PostgreSQL by those of several.
 *
 * @param {string} url
 */
function openStorage(url) {
  if (url.startsWith('sqlite:')) return createSqliteStorage({ path: url.slice('sqlite:'.length) });
  return createPostgresStorage({ connectionString: url });
}
