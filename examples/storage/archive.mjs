#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
// @ts-check
// An archive of transcripts in one SQLite file, encrypted. README.md tells how to use it.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromFile, TranscriptionClient, toPlainText } from 'transcription-client';
import { encryptAudioStore, encryptStorage } from 'transcription-client/encryption';
import { createFileAudioStore } from 'transcription-client/files';
import { createSqliteStorage } from 'transcription-client/sqlite';

const USAGE = `Usage:
  archive.mjs add FILE [--user NAME]    queues a recording and waits for its transcript
  archive.mjs list [--user NAME]        the newest 20
  archive.mjs show ID                   one transcript as text
  archive.mjs purge DAYS                takes away what is older`;

const { ARCHIVE_FOLDER = 'archive', DEEPGRAM_ENDPOINT } = process.env;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { user: { type: 'string', default: 'nobody' } },
});
const [command = '', argument = ''] = positionals;

const keys = loadKeys(`${ARCHIVE_FOLDER}.key`);
const storage = encryptStorage(createSqliteStorage({ path: `${ARCHIVE_FOLDER}.db` }), keys);
const client = new TranscriptionClient({
  storage,
  audioStore: encryptAudioStore(createFileAudioStore({ directory: `${ARCHIVE_FOLDER}-audio` }), keys),
  ...(DEEPGRAM_ENDPOINT === undefined ? {} : { regions: [{ name: 'custom', endpoint: DEEPGRAM_ENDPOINT }] }),
});

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await client.close();
  await storage.close?.();
}

async function run() {
  if (command === 'add' && argument !== '') return add(argument);
  if (command === 'list') return list();
  if (command === 'show' && argument !== '') return show(argument);
  if (command === 'purge' && Number(argument) >= 0 && argument !== '') return purge(Number(argument));
  throw new Error(USAGE);
}

/** @param {string} path */
async function add(path) {
  const options = { smart_format: true, userId: values.user, metadata: { path } };
  const job = await client.enqueue(fromFile(path), options);
  const { id, text } = await job.result();
  console.log(`${id}  ${text}`);
}

async function list() {
  const { items } = await client.transcripts.list({ userId: values.user, limit: 20 });
  for (const { id, createdAt, durationSeconds, text } of items) {
    console.log(`${createdAt}  ${id}  ${durationSeconds.toFixed(1)} s  ${text.slice(0, 60)}`);
  }
  if (items.length === 0) console.log(`Nothing is stored for ${values.user}.`);
}

/** @param {string} id */
async function show(id) {
  const transcript = await client.transcripts.get(id);
  if (transcript === undefined) throw new Error(`There is no transcript ${id}.`);
  console.log(toPlainText(transcript, { timestamps: true }));
}

/** @param {number} days */
async function purge(days) {
  const gone = await client.purge({ before: new Date(Date.now() - days * 24 * 3_600_000) });
  console.log(`Deleted ${gone.transcripts} transcripts and ${gone.jobs} jobs.`);
}

/**
 * The key of the archive, made at the first use. A real application takes it from a secret store.
 *
 * @param {string} path
 */
function loadKeys(path) {
  try {
    writeFileSync(path, randomBytes(32).toString('base64'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'EEXIST') throw error;
  }
  return { current: 'first', keys: { first: readFileSync(path, 'utf8').trim() } };
}
