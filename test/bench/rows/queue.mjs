// @ts-check
import { startPostgres } from '../../support/postgres-server.mjs';
import { startRedis } from '../../support/redis-server.mjs';
import { figure } from '../figure.mjs';
import { measureIn, startServer } from '../processes.mjs';
import { interleave, median, medianRatio } from '../statistics.mjs';

/** @import { Row } from '../figure.mjs' */

const BATCHES = 20;
const JOBS = 10_000;
/** What groups cost is a remark. */
const GROUP_ROUNDS = 3;
const CLIENT_JOBS = 5000;
const USERS = 100;

/** @type {Row} */
export const queueAdd = {
  id: 'P5',
  run: ({ rounds = 9 }) =>
    withRedis(async (url) => {
      const postgres = await startPostgres();
      try {
        const records = await postgres.createDatabase();
        const add = (/** @type {object} */ more) =>
          perSecond('queue-add.mjs', { url, batches: BATCHES, ...more });
        const raw = add({ side: 'bullmq' });
        const bulk = await interleave(rounds, add({ side: 'ours' }), raw);
        const grouped = await interleave(
          Math.min(rounds, GROUP_ROUNDS),
          add({ side: 'ours', groups: USERS }),
          raw,
        );
        const client = await interleave(rounds, add({ side: 'client', postgres: records }), raw);
        return [
          row('P5', 'Bulk add of 1,000 jobs: jobs per second', 'BullMQ addBulk', '>= 0.8', bulk, [
            groupNote(grouped),
          ]),
          row('P5 records', 'enqueueMany(1000), records in PostgreSQL', 'BullMQ addBulk', '>= 0.4', client),
        ];
      } finally {
        await postgres.close();
      }
    }),
};

/** @type {Row} */
export const queueWork = {
  id: 'P6',
  run: ({ rounds = 9 }) =>
    withRedis(async (url) => {
      const figures = [];
      for (const concurrency of [10, 100]) {
        const work = (/** @type {object} */ more) =>
          perSecond('queue-work.mjs', { url, concurrency, jobs: JOBS, ...more });
        const raw = work({ side: 'bullmq' });
        const alone = await interleave(rounds, work({ side: 'ours' }), raw);
        const grouped = await interleave(
          Math.min(rounds, GROUP_ROUNDS),
          work({ side: 'ours', groups: USERS }),
          raw,
        );
        const title = `Worker, ${concurrency} at a time: jobs per second`;
        const notes = [groupNote(grouped)];
        if (concurrency === 100) notes.push(await clientNote(work));
        figures.push(row(`P6 at ${concurrency}`, title, 'BullMQ Worker', '>= 0.8', alone, notes));
      }
      return figures;
    }),
};

/** @typedef {{ ours: number[], rivals: number[] }} Rates Jobs per second, of each round. */

/**
 * Nothing is written to a disk, on either side.
 *
 * @template Result
 * @param {(url: string) => Promise<Result>} run
 */
async function withRedis(run) {
  const redis = await startRedis({ appendonly: 'no' });
  try {
    return await run(redis.url);
  } finally {
    await redis.close();
  }
}

/**
 * @param {string} script
 * @param {Record<string, unknown>} parameters
 * @returns {() => Promise<number>}
 */
function perSecond(script, parameters) {
  return async () => (await measureIn(script, parameters)).perSecond;
}

/** @param {Rates} rates */
function groupNote({ ours, rivals }) {
  return `With a group for each of ${USERS} users, which take turns: ${medianRatio(ours, rivals).toFixed(2)} (${rate(ours)}).`;
}

/** @param {(parameters: object) => () => Promise<number>} work */
async function clientNote(work) {
  const sink = await startServer('http-sink.mjs');
  try {
    const alone = await work({ side: 'client', jobs: CLIENT_JOBS, sink: sink.url })();
    return `A whole client, with records in SQLite and a request for each job: ${rate([alone])}.`;
  } finally {
    await sink.close();
  }
}

/** @param {readonly number[]} rates */
function rate(rates) {
  return `${Math.round(median(rates))}/s`;
}

/**
 * @param {string} name
 * @param {string} title
 * @param {string} rival
 * @param {string} bar
 * @param {Rates} rates
 * @param {readonly string[]} [notes]
 */
function row(name, title, rival, bar, { ours, rivals }, notes = []) {
  const value = medianRatio(ours, rivals);
  const both = { ours: rate(ours), theirs: rate(rivals) };
  return figure({ name, title, value, unit: 'ratio', rival, bar, ...both, note: notes.join(' ') });
}
