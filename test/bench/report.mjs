// @ts-check
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** @import { Figure } from './figure.mjs' */

const HEADINGS = ['', 'figure', 'value', 'bar', '', 'transcription-client', 'rival', 'against'];

/**
 * A table for a terminal, with the notes below.
 *
 * @param {readonly Figure[]} figures
 */
export function textTable(figures) {
  const rows = [HEADINGS, ...figures.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...noteLines(figures)].join('\n');
}

/**
 * @param {string} path
 * @param {readonly Figure[]} figures
 */
export async function writeMarkdown(path, figures) {
  const row = (/** @type {readonly string[]} */ columns) => `| ${columns.join(' | ')} |`;
  const text = [
    '# Benchmarks',
    '',
    'Made by `npm run bench -- --write`. Each figure is measured against its rival in the same run, the two',
    'in turn, several rounds, and is the median. The library has its default configuration, with storage and',
    'events on; each side and the server have a process of their own.',
    '',
    `Measured on ${describeMachine()}.`,
    '',
    row(HEADINGS),
    row(HEADINGS.map(() => '---')),
    ...figures.map((measured) => row(cells(measured))),
    ...noteLines(figures).map((line) => (line === '' ? line : `- ${line}`)),
    '',
  ].join('\n');
  await writeFile(path, text);
}

/** Cores, memory, Node and the date. */
export function describeMachine() {
  const cores = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`;
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB of memory`;
  return `${cores}, ${memory}, Node ${process.version}, ${process.platform}, ${new Date().toISOString().slice(0, 10)}`;
}

/** @param {Figure} figure */
function cells({ name, title, value, unit, rival, bar, pass, ours, theirs }) {
  const shown = value === null ? '-' : unit === 'ratio' ? value.toFixed(2) : `${value} ${unit}`;
  const verdict = pass === null ? 'not measured' : pass ? 'met' : 'NOT MET';
  return [name, title, shown, bar, verdict, ours || '-', theirs || '-', rival === 'none' ? '-' : rival];
}

/** @param {readonly Figure[]} figures */
function noteLines(figures) {
  const notes = figures.filter(({ note }) => note !== '').map(({ name, note }) => `${name}: ${note}`);
  return notes.length === 0 ? [] : ['', ...notes];
}
