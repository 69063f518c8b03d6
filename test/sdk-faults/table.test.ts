import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FAULTS, type Fault } from './faults.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}docs/why.md`, 'utf8');
const { version } = JSON.parse(readFileSync(`${root}node_modules/@deepgram/sdk/package.json`, 'utf8'));

describe('the table of faults', () => {
  it('has F1 to F28, each once, in order', () => {
    expect(FAULTS.map(({ id }) => id)).toEqual(Array.from({ length: 28 }, (_, index) => `F${index + 1}`));
  });

  it('is the table of docs/why.md, row by row', () => {
    expect(rowsOf('Pre-recorded')).toEqual(printed('pre-recorded'));
    expect(rowsOf('Live')).toEqual(printed('live'));
  });

  it('is about the SDK that is installed, and the page says so', () => {
    expect(page).toContain(`version ${version} `);
  });
});

/** The rows of the table under that heading. */
function rowsOf(heading: string): string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return section.split('\n').filter((line) => /^\| *F\d/.test(line));
}

function printed(mode: Fault['mode']): string[] {
  return FAULTS.filter((fault) => fault.mode === mode).map(
    (fault) => `| ${fault.id} | ${fault.happens} | ${sdkOf(fault)} | ${fault.library} | ${markOf(fault)} |`,
  );
}

function sdkOf({ sdk, reproduced }: Fault): string {
  return reproduced ? sdk : `not any more: ${sdk}`;
}

function markOf({ state, tier }: Fault): string {
  if (state === 'not yet') return 'not yet';
  return tier === 's' ? '✓ soak' : '✓';
}
