// @ts-check
import { figure } from '../figure.mjs';

/** @import { Figure, Row } from '../figure.mjs' */

const NO_ADAPTER = 'There is no BullMQ adapter yet.';

/** @type {readonly Row[]} */
export const missingRows = [
  missing('P5', NO_ADAPTER, [
    {
      name: 'P5',
      title: 'Bulk add of 1,000 jobs: jobs per second',
      unit: 'ratio',
      rival: 'BullMQ addBulk',
      bar: '>= 0.8',
    },
    {
      name: 'P5 records',
      title: 'enqueueMany(1000), records in PostgreSQL',
      unit: 'ratio',
      rival: 'BullMQ addBulk',
      bar: '>= 0.4',
    },
  ]),
  missing('P6', NO_ADAPTER, [
    {
      name: 'P6 at 10',
      title: 'Worker, 10 at a time: jobs per second',
      unit: 'ratio',
      rival: 'BullMQ Worker',
      bar: '>= 0.8',
    },
    {
      name: 'P6 at 100',
      title: 'Worker, 100 at a time: jobs per second',
      unit: 'ratio',
      rival: 'BullMQ Worker',
      bar: '>= 0.8',
    },
  ]),
  missing('P11', 'Live sessions do not reconnect yet.', [
    {
      name: 'P11',
      title: 'Dropped connection until audio flows again, p95',
      unit: 's',
      rival: '@deepgram/sdk',
      bar: '<= 1',
    },
  ]),
];

/**
 * A row whose part of the library does not exist yet.
 *
 * @param {string} id
 * @param {string} note
 * @param {Pick<Figure, 'name' | 'title' | 'unit' | 'rival' | 'bar'>[]} figures
 * @returns {Row}
 */
function missing(id, note, figures) {
  return { id, run: async () => figures.map((known) => figure({ ...known, value: null, note })) };
}
