import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../examples/02-queue/', import.meta.url));
const JOBS = 4;

interface Finished {
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** Settings of a machine, such as a key, must make no difference. */
function run(environment: Readonly<Record<string, string>> = {}): Finished {
  const { PATH = '' } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, [`${folder}run.mjs`], {
    env: { PATH, ...environment },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { lines: stdout.split('\n'), stderr, exitCode: status };
}

function idsOf(lines: readonly string[], pattern: RegExp): string[] {
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).sort();
}

describe('the queue of three processes', () => {
  let finished: Finished;
  beforeAll(() => {
    finished = run();
  }, 70_000);

  it('ends by itself, in order', () => {
    expect(finished, finished.lines.join('\n')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(finished.lines).toContain('The worker ended: SIGTERM.');
    expect(finished.lines).toContain('The receiver ended: exit code 0.');
  });

  it('tells the receiver once of each job that the producer has queued', () => {
    const { lines } = finished;
    const queued = idsOf(lines, /^\[producer\] queued (job_\w+)$/);
    expect(new Set(queued).size).toBe(JOBS);
    expect(idsOf(lines, /^\[worker\] completed (job_\w+)$/)).toEqual(queued);
    expect(idsOf(lines, /^\[receiver\] completed (job_\w+) \w/)).toEqual(queued);
    expect(idsOf(lines, /^\[worker\] webhook success (job_\w+) 204$/)).toEqual(queued);
    expect(lines.join('\n')).toContain('The first recording.');
  });

  it('lets jobs wait until a worker is there, and refuses who has no secret', () => {
    const { lines } = finished;
    const position = (start: string) => lines.findIndex((line) => line.startsWith(start));
    expect(position('[producer] queued')).toBeLessThan(position('[worker] working'));
    expect(position('[producer] queued')).toBeGreaterThan(-1);
    expect(lines).toContain('[receiver] refused invalid_signature');
    expect(lines).toContain('The receiver answers 401.');
  });

  it('prints what its README shows', () => {
    const readme = readFileSync(`${folder}README.md`, 'utf8');
    const shown = /```\n(The producer.*?)```/s.exec(readme)?.[1]?.trim().split('\n') ?? [];
    expect(shown.length).toBeGreaterThan(10);
    for (const line of shown.filter((text) => text !== '…')) {
      const pattern = line
        .split('…')
        .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('\\w+');
      expect(finished.lines, line).toContainEqual(expect.stringMatching(new RegExp(`^${pattern}$`)));
    }
  });
});

it('says what to install where there is no Redis', () => {
  const { exitCode, stderr } = run({ PATH: '/nothing' });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^redis-server is missing\. Install it: /);
});
