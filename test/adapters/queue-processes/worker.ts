import { createInterface } from 'node:readline';
import { createSqliteQueue } from '../../../src/adapters/sqlite/index.js';
import type { EntryOutcome } from '../../../src/contracts/queue.js';

/**
 * A process with a worker on a SQLite file. Says what it begins, aborts and ends, and does what it is told:
 * `add <id> [<delayMs>]`, `stream <prefix>` to add without end, `end <id>`, `leave` to forget its input.
 */
const [path = '', settings = '{}'] = process.argv.slice(2);
const { workMs, leaseMs = 30_000, concurrency = 4, wallShiftMs = 0, isWorking = true } = JSON.parse(settings);

const realNow = Date.now;
Date.now = () => realNow() + wallShiftMs;

const queue = createSqliteQueue({ path, leaseMs });
const ends = new Map<string, () => void>();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function handle(id: string, signal: AbortSignal): Promise<EntryOutcome> {
  print(`begin ${id}`);
  return new Promise((resolve) => {
    const end = (): void => {
      print(`end ${id}`);
      resolve({ type: 'done' });
    };
    ends.set(id, end);
    if (workMs !== undefined) setTimeout(end, workMs * Math.random());
    signal.addEventListener('abort', () => print(`abort ${id} ${signal.reason.code}`));
  });
}

async function stream(prefix: string): Promise<void> {
  for (let index = 0; ; index += 1) {
    const ids = Array.from({ length: index % 4 === 3 ? 20 : 1 }, (_, each) => `${prefix}-${index}-${each}`);
    await queue.add(
      ids.map((id) => ({
        id,
        priority: index % 3,
        delayMs: index % 5 === 4 ? 30 : 0,
        group: `g${index % 2}`,
      })),
    );
    for (const id of ids) print(`added ${id}`);
  }
}

if (isWorking) {
  const onError = (error: unknown): void => print(`error ${error}`);
  queue.startWorker(({ id }, signal) => handle(id, signal), { concurrency, onError });
}
print(`pid ${process.pid}`);
for await (const line of createInterface({ input: process.stdin })) {
  const [what, id = '', delayMs = '0'] = line.split(' ');
  if (what === 'add') {
    await queue.add([{ id, priority: 0, delayMs: Number(delayMs) }]);
    print(`added ${id}`);
  } else if (what === 'stream') void stream(id);
  else if (what === 'end') ends.get(id)?.();
  else if (what === 'leave') break;
}
process.stdin.destroy();
