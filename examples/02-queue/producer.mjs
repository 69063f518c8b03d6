#!/usr/bin/env node
// @ts-check
// Queues recordings and ends. README.md tells how to start it.
import { openClient } from './settings.mjs';

const { WEBHOOK_URL } = process.env;
const urls = process.argv.slice(2);
if (urls.length === 0) {
  console.error('Usage: producer.mjs URL…    (audio that Deepgram can fetch)');
  process.exit(2);
}

const { client, storage } = openClient();
try {
  const jobs = await client.enqueueMany(
    urls.map((source, index) => ({
      source,
      options: {
        smart_format: true,
        userId: `user-${index % 2}`,
        // The same recording is queued once a day, however often this program is run.
        idempotencyKey: source,
        ...(WEBHOOK_URL === undefined ? {} : { webhook: { url: WEBHOOK_URL, includeText: true } }),
      },
    })),
  );
  // Every job is in the storage by now: nothing is lost if this machine stops.
  for (const { id } of jobs) console.log(`queued ${id}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await client.close();
  await storage.close?.();
}
