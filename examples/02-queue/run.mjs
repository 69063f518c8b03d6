#!/usr/bin/env node
// @ts-check
// The whole architecture on this machine, with a stand-in for Deepgram: shows what happens, and ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { start } from './processes.mjs';
import { startRedis } from './redis.mjs';

const RECORDINGS = ['the first recording', 'a second one', 'number three', 'and the last'];

const folder = mkdtempSync(join(tmpdir(), 'queue-example-'));
/** @type {(() => unknown)[]} What has to be ended, the last one first. */
const cleanUps = [() => rmSync(folder, { recursive: true, force: true })];

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}

async function run() {
  const redis = await startRedis(folder);
  cleanUps.push(redis.stop);
  const emulator = await startDeepgramEmulator({ processingMs: 200 });
  cleanUps.push(() => emulator.close());
  const urls = RECORDINGS.map((text) => emulator.serveAudio(synthesizeSpeech(text).audio));

  const environment = {
    ...process.env,
    REDIS_URL: redis.url,
    DATABASE_URL: `sqlite:${join(folder, 'jobs.db')}`,
    DEEPGRAM_API_KEY: 'any',
    DEEPGRAM_ENDPOINT: emulator.url,
    PORT: '0',
  };
  const receiver = await startPart('receiver', [], environment);
  const [listening = ''] = await receiver.printed(/^listening/);
  const url = listening.slice(listening.indexOf('http'));
  const others = { ...environment, WEBHOOK_URL: url, WEBHOOK_ALLOW: new URL(url).host };

  say('The producer queues recordings and ends. No worker is there yet: the jobs wait.');
  const producer = await startPart('producer', urls, others);
  await producer.ended();
  await producer.printed(/^queued/, urls.length);

  say('A worker begins, takes the jobs, and tells the receiver of each that has ended.');
  const worker = await startPart('worker', [], others);
  await receiver.printed(/^completed/, urls.length);
  await worker.printed(/^webhook success/, urls.length);

  say('Somebody without the secret calls the receiver.');
  const body = '{"type":"transcription.completed"}';
  const { status } = await fetch(url, { method: 'POST', body });
  console.log(`The receiver answers ${status}.`);

  say('The worker gets SIGTERM, and ends in order.');
  console.log(`The worker ended: ${await worker.stop()}.`);
  console.log(`The receiver ended: ${await receiver.stop()}.`);
}

/**
 * @param {'producer' | 'worker' | 'receiver'} name
 * @param {readonly string[]} parameters
 * @param {NodeJS.ProcessEnv} environment
 */
async function startPart(name, parameters, environment) {
  const file = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
  const part = await start(name, process.execPath, [file, ...parameters], { environment });
  cleanUps.push(() => part.stop());
  return part;
}

/** @param {string} text */
function say(text) {
  console.log(`\n${text}`);
}
