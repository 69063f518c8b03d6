#!/usr/bin/env node
// @ts-check
// Starts the server, calls each of its routes, prints the answers, and ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ADA = { authorization: 'Bearer token-of-ada' };
const GRACE = { authorization: 'Bearer token-of-grace' };
const PROMETHEUS = { authorization: 'Bearer token-of-prometheus' };

const script = fileURLToPath(new URL('server.mjs', import.meta.url));
const server = spawn(process.execPath, [script], {
  env: { ...process.env, PORT: '0', EMULATOR_PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const closed = once(server, 'close');
try {
  const found = await addresses();
  // It has said why.
  if (found === undefined) process.exitCode = 1;
  else await callAll(found.origin, found.recording);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  server.kill();
  await closed;
}

/** What the server prints when it listens. Undefined where it has ended before. */
async function addresses() {
  /** @type {string[]} */
  const found = [];
  for await (const line of createInterface(server.stdout)) {
    const url = /^(?:Listening on|A recording is at) (.*)$/.exec(line)?.[1];
    if (url !== undefined) found.push(url);
    const [origin, recording] = found;
    if (origin !== undefined && recording !== undefined) {
      server.stdout.resume();
      return { origin, recording };
    }
  }
  return undefined;
}

/**
 * @param {string} origin
 * @param {string} recording
 */
async function callAll(origin, recording) {
  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  const call = async (path, init = {}) => {
    const response = await fetch(origin + path, { headers: ADA, ...init });
    console.log(`${init.method ?? 'GET'} ${path}\n  ${response.status}`);
    return response;
  };
  /**
   * @param {Record<string, unknown>} body
   * @param {Record<string, string>} [who]
   */
  const transcribe = async (body, who = ADA) => {
    const headers = { ...who, 'content-type': 'application/json' };
    const response = await call('/api/transcribe', { method: 'POST', headers, body: JSON.stringify(body) });
    return response.json();
  };

  const short = await transcribe({ audioUrl: recording, audioDuration: 12 });
  say(`${short.mode}, by the rule ${short.decision.rule}: ${short.transcript.text}`);
  const long = await transcribe({ audioUrl: recording, audioDuration: 3600 });
  say(`${long.mode}, by the rule ${long.decision.rule}: ${long.jobId}`);
  const archive = await transcribe({ audioUrl: recording, audioDuration: 12 }, GRACE);
  say(`${archive.mode}, by the rule ${archive.decision.rule}`);

  const audio = await (await fetch(recording)).arrayBuffer();
  const headers = { ...ADA, 'content-type': 'audio/wav' };
  const upload = await call('/api/transcribe', { method: 'POST', headers, body: audio });
  const { mode, decision, transcript } = await upload.json();
  say(`${mode}, by the rule ${decision.rule}: ${transcript.text}`);

  const events = await (await call(long.eventsUrl)).text();
  for (const [, name] of events.matchAll(/^event: (.*)$/gm)) say(/** @type {string} */ (name));
  const job = await (await call(long.statusUrl)).json();
  say(`${job.state}, ${job.transcriptUrl}`);
  for (const format of ['txt', 'srt', 'vtt']) {
    say((await (await call(`${job.transcriptUrl}.${format}`)).text()).trim());
  }
  await call(long.statusUrl, { headers: GRACE });
  say('Jobs of others are not there.');
  await call(long.statusUrl, { method: 'DELETE' });
  say('What has ended cannot be cancelled.');

  const { url, expiresInSeconds } = await transcribe({ mode: 'stream' });
  say(`${url} for ${expiresInSeconds} s`);
  const token = await (await call('/api/token', { method: 'POST' })).json();
  say(`A token of Deepgram's for ${token.expiresInSeconds} s`);
  say((await (await call('/health')).json()).status);
  const metrics = await (await call('/metrics', { headers: PROMETHEUS })).text();
  for (const line of metrics.match(/^transcription_r.*$/gm) ?? []) say(line);
  say(Object.keys((await (await call('/api/openapi.json')).json()).paths).join(' '));
}

/** @param {string} text */
function say(text) {
  console.log(text.replaceAll(/^/gm, '  '));
}
