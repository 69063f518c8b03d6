import { afterAll, describe, expect, it } from 'vitest';
import { buildScript, type Script, type ScriptOptions } from '../support/script-process.js';
import { testServer } from './postgres-rig.js';

const rig = testServer();
const scripts: Script[] = [];

afterAll(() => {
  for (const script of scripts) script.dispose();
});

async function firstCall(options: ScriptOptions, kind: string, place: string): Promise<unknown> {
  const script = await buildScript(new URL('./storage-processes/first-call.ts', import.meta.url), options);
  scripts.push(script);
  const [line = ''] = await script.start(kind, place).finished();
  return JSON.parse(line);
}

describe('the package pg', () => {
  it.each(['esm', 'cjs'] as const)('is loaded by the first call (%s)', async (format) => {
    const url = await rig.server.createDatabase();
    expect(await firstCall({ format }, 'postgres', url)).toBe('works');
  });

  it.each([
    ['esm', 'ERR_MODULE_NOT_FOUND'],
    ['cjs', 'MODULE_NOT_FOUND'],
  ] as const)('that is not installed is named (%s)', async (format, cause) => {
    const outcome = await firstCall({ format, packages: false }, 'postgres', 'postgres://127.0.0.1:1/none');
    expect(outcome).toEqual({
      code: 'storage_unavailable',
      message: expect.stringMatching(/pg is not installed.*npm install pg/),
      cause,
    });
  });
});
