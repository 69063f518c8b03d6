#!/usr/bin/env node
// @ts-check
// npm run bench [-- --json] [-- --only P1,P9] [-- --rounds 1] [-- --write]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toJsonLine } from './figure.mjs';
import { describeMachine, textTable, writeMarkdown } from './report.mjs';
import { parallelCalls, sequentialCalls } from './rows/calls.mjs';
import { httpLatency, httpUploads } from './rows/http.mjs';
import { coldImport } from './rows/import.mjs';
import { idleMemory, liveLoad, reconnects } from './rows/live.mjs';
import { queueAdd, queueWork } from './rows/queue.mjs';
import { bundleSize } from './rows/size.mjs';
import { postgresStorage, sqliteStorage } from './rows/storage.mjs';
import { uploadMemory, uploadThroughput } from './rows/upload.mjs';

/** @import { Figure, Row } from './figure.mjs' */

/** @type {readonly Row[]} */
const ROWS = [
  sequentialCalls,
  parallelCalls,
  uploadMemory,
  uploadThroughput,
  queueAdd,
  queueWork,
  liveLoad,
  idleMemory,
  reconnects,
  coldImport,
  httpLatency,
  httpUploads,
  bundleSize,
  sqliteStorage,
  postgresStorage,
].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));

const RESULTS_PATH = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const rows = chosenRows(options.only);
const rounds = wholeRounds(options.rounds);
if (options.write && (options.only !== undefined || rounds !== undefined)) {
  throw new Error('--write takes the results of a whole run: leave out --only and --rounds.');
}
/** @type {Figure[]} */
const figures = [];
for (const row of rows) {
  if (!options.json) process.stderr.write(`${row.id} ...\n`);
  try {
    const measured = await row.run({ rounds });
    figures.push(...measured);
    if (options.json) for (const line of measured.map(toJsonLine)) console.log(line);
  } catch (error) {
    // The other rows are still worth having.
    console.error(`${row.id} failed:`, error);
    process.exitCode = 1;
  }
}
if (!options.json) console.log(`\n${describeMachine()}\n\n${textTable(figures)}`);
if (options.write && process.exitCode !== 1) await writeMarkdown(RESULTS_PATH, figures);

/** @param {string | undefined} only */
function chosenRows(only) {
  if (only === undefined) return ROWS;
  return only.split(',').map((name) => {
    const row = ROWS.find(({ id }) => id === name.trim().toUpperCase());
    if (row === undefined)
      throw new Error(`--only: no row ${name}. Rows: ${ROWS.map(({ id }) => id).join(', ')}`);
    return row;
  });
}

/** @param {string | undefined} text */
function wholeRounds(text) {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--rounds: must be a whole positive number, got ${text}`);
  return Number(text);
}
