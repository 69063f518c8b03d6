#!/usr/bin/env node
// @ts-check
// One recording through the four patterns. Run it with: npm run demo [-- recording.wav]
import { TranscriptionClient, TranscriptionError } from 'transcription-client';
import { chooseAudio } from './audio.mjs';
import { chooseBackend } from './backend.mjs';
import { LivePanel } from './live-panel.mjs';
import { describe, seconds, summary, table } from './report.mjs';

/** @import { DemoAudio } from './audio.mjs' */
/** @import { Row } from './report.mjs' */

const DEEPGRAM_OPTIONS = { smart_format: true };

/**
 * @param {string} [path]
 */
async function main(path) {
  const audio = await chooseAudio(path);
  const backend = await chooseBackend(audio);
  console.log(backend.banner);
  console.log(`Audio: ${audio.title}\n`);

  const client = new TranscriptionClient(backend.clientOptions);
  try {
    const rows = [
      await runSync(client, audio),
      await runQueue(client, audio),
      await runLive(client, audio),
      await runRouter(client, audio),
    ];
    console.log(`\nSide by side\n${table(rows)}`);
    console.log(`\nStored transcripts\n${summary((await client.transcripts.list()).items)}`);
  } finally {
    await client.close();
    await backend.close();
  }
}

/**
 * @param {TranscriptionClient} client
 * @param {DemoAudio} audio
 * @returns {Promise<Row>}
 */
async function runSync(client, audio) {
  console.log('1  synchronous  client.transcribe(source)');
  const startedAt = performance.now();
  const transcript = await client.transcribe(audio.source(), DEEPGRAM_OPTIONS);
  const tookMs = performance.now() - startedAt;
  console.log(`   ${seconds(tookMs)}  ${describe(transcript)}`);
  return { pattern: 'synchronous', tookMs, firstWordsMs: tookMs, transcript };
}

/**
 * @param {TranscriptionClient} client
 * @param {DemoAudio} audio
 * @returns {Promise<Row>}
 */
async function runQueue(client, audio) {
  console.log('\n2  queue        client.enqueue(source)');
  const startedAt = performance.now();
  const job = await client.enqueue(audio.source(), DEEPGRAM_OPTIONS);
  console.log(`   ${seconds(performance.now() - startedAt)}  acknowledged as ${job.id}`);
  for await (const event of job.events()) {
    console.log(`   ${seconds(performance.now() - startedAt)}  ${event.type}`);
  }
  const transcript = await job.result();
  const tookMs = performance.now() - startedAt;
  console.log(`   ${seconds(tookMs)}  ${describe(transcript)}`);
  return { pattern: 'queue', tookMs, firstWordsMs: tookMs, transcript };
}

/**
 * @param {TranscriptionClient} client
 * @param {DemoAudio} audio
 * @returns {Promise<Row>}
 */
async function runLive(client, audio) {
  console.log('\n3  live         client.stream()  (the audio is sent as fast as it is spoken)');
  const startedAt = performance.now();
  const live = client.stream({ ...DEEPGRAM_OPTIONS, interim_results: true });
  const panel = new LivePanel(live, audio.durationSeconds);
  // Its errors also arrive as an event, and finish() rejects with them.
  live.pipeFrom(audio.stream(), { realtime: true }).catch(() => undefined);
  /** @type {number | undefined} */
  let firstWordsMs;
  for await (const event of live) {
    if ((event.type === 'interim' || event.type === 'final') && event.text !== '') {
      firstWordsMs ??= performance.now() - startedAt;
    }
    panel.show(event);
  }
  panel.close();
  const transcript = await live.finish();
  const tookMs = performance.now() - startedAt;
  console.log(`   ${seconds(tookMs)}  ${describe(transcript)}`);
  return { pattern: 'live', tookMs, firstWordsMs: firstWordsMs ?? tookMs, transcript };
}

/**
 * @param {TranscriptionClient} client
 * @param {DemoAudio} audio
 * @returns {Promise<Row>}
 */
async function runRouter(client, audio) {
  console.log('\n4  router       client.submit(source, { durationSeconds })');
  const startedAt = performance.now();
  const { durationSeconds } = audio;
  const outcome = await client.submit(audio.source(), {
    ...DEEPGRAM_OPTIONS,
    ...(durationSeconds === undefined ? {} : { durationSeconds }),
  });
  const { mode, rule } = outcome.decision;
  console.log(`   ${seconds(performance.now() - startedAt)}  the rule ${rule} chose the mode ${mode}`);
  const transcript = await finalTranscript(outcome);
  const tookMs = performance.now() - startedAt;
  console.log(`   ${seconds(tookMs)}  ${describe(transcript)}`);
  return { pattern: `router → ${mode}`, tookMs, firstWordsMs: tookMs, transcript };
}

/**
 * @param {Awaited<ReturnType<TranscriptionClient['submit']>>} outcome
 */
function finalTranscript(outcome) {
  if (outcome.mode === 'sync') return outcome.transcript;
  return outcome.mode === 'async' ? outcome.job.result() : outcome.live.finish();
}

// Whoever reads the output may stop reading, as `head` does.
process.stdout.on('error', () => process.exit());

try {
  await main(process.argv[2]);
} catch (error) {
  if (!TranscriptionError.isInstance(error) && !(error instanceof Error)) throw error;
  const name = TranscriptionError.isInstance(error) ? `${error.name} (${error.code})` : error.name;
  console.error(`\nThe demo stopped. ${name}: ${error.message}`);
  process.exitCode = 1;
}
