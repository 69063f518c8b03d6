import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildScript } from '../support/script-process.js';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-packages-'));

afterAll(() => rmSync(folder, { recursive: true }));

async function firstCall(format: 'esm' | 'cjs', packages: boolean): Promise<unknown> {
  const source = new URL('./storage-processes/first-call.ts', import.meta.url);
  const script = await buildScript(source, { format, packages });
  try {
    const path = join(folder, `${format}-${packages}.db`);
    const [line = ''] = await script.start('sqlite', path).finished();
    return JSON.parse(line);
  } finally {
    script.dispose();
  }
}

/** Node 22.13 and newer bring one. */
const hasOwnSqlite = process.getBuiltinModule?.('node:sqlite') !== undefined;

describe('a package with SQLite', () => {
  it.each(['esm', 'cjs'] as const)('is found by the first call (%s)', async (format) => {
    expect(await firstCall(format, true)).toBe('works');
  });

  it.skipIf(hasOwnSqlite).each(['esm', 'cjs'] as const)(
    'that is not installed is named (%s)',
    async (format) => {
      expect(await firstCall(format, false)).toEqual({
        code: 'storage_unavailable',
        message: expect.stringMatching(/npm install @photostructure\/sqlite/),
      });
    },
  );
});
