import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startServer } from './processes.mjs';

const main = fileURLToPath(new URL('main.mjs', import.meta.url));

async function bench(...options: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [main, ...options])).stdout;
}

describe('the benchmark', () => {
  it('prints one JSON line per figure', async () => {
    const lines = (await bench('--json', '--only', 'P9,P10', '--rounds', '1')).trim().split('\n');
    const figures = lines.map((line) => JSON.parse(line));
    expect(figures).toEqual([
      {
        name: 'P9',
        value: expect.any(Number),
        unit: 'ratio',
        rival: '@deepgram/sdk',
        bar: '<= 0.2',
        pass: expect.any(Boolean),
      },
      {
        name: 'P10',
        value: expect.any(Number),
        unit: 'kB',
        rival: 'none',
        bar: '<= 20',
        pass: expect.any(Boolean),
      },
      {
        name: 'P10 browser',
        value: expect.any(Number),
        unit: 'kB',
        rival: 'none',
        bar: '<= 8',
        pass: expect.any(Boolean),
      },
    ]);
    expect(figures[0].value).toBeGreaterThan(0);
    expect(figures[0].pass).toBe(figures[0].value <= 0.2);
    expect(figures[1].value).toBeGreaterThan(5);
    expect(figures[1].value).toBeLessThanOrEqual(20);
    expect(figures[1].pass).toBe(true);
    expect(figures[2].value).toBeLessThanOrEqual(8);
  }, 15_000);

  it('prints a table that says which bars are met', async () => {
    const table = await bench('--only', 'P10');
    expect(table).toMatch(/^P10 +Everything .* kB +<= 20 +(met|NOT MET) /m);
    expect(table).toMatch(/^P10 browser +.* kB +<= 8 +(met|NOT MET) /m);
    expect(table).toMatch(/^P10: Biggest parts/m);
  }, 15_000);

  it('does not wait for a server that has ended already', async () => {
    const server = await startServer('http-sink.mjs');
    await server.close();
    await server.close();
  });

  it.each([
    [['--only', 'P99'], /no row P99/],
    [['--rounds', '0'], /whole positive number/],
    [['--write', '--only', 'P10'], /whole run/],
  ])('refuses %j', async (options, message) => {
    await expect(bench(...options)).rejects.toThrow(message);
  });
});
