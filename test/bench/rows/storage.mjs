// @ts-check
import { startPostgres } from '../../support/postgres-server.mjs';
import { figure } from '../figure.mjs';
import { measureIn } from '../processes.mjs';
import { median } from '../statistics.mjs';

/** @import { Row } from '../figure.mjs' */

const RECORDS = 10_000;
/** A remark of twelve seconds, and one of a minute, which is read as well to show what size costs. */
const SHORT_WORDS = 30;
const LONG_WORDS = 150;
const LONG_RECORDS = 2000;

/** @type {Row} */
export const sqliteStorage = {
  id: 'S1',
  async run() {
    const short = await measure({ kind: 'sqlite', records: RECORDS, words: SHORT_WORDS });
    const long = await measure({ kind: 'sqlite', records: LONG_RECORDS, words: LONG_WORDS });
    return [
      row(
        'S1 save',
        'SQLite, 10,000 records: save one, median',
        short.save,
        '<= 1',
        `Longer ones: ${ms(long.save)}.`,
      ),
      row('S1 list', 'SQLite, 10,000 records: list a user, median', short.list, '<= 5', noteOf(long.list)),
    ];
  },
};

/** @type {Row} */
export const postgresStorage = {
  id: 'S2',
  async run() {
    const server = await startPostgres();
    try {
      const [one, two] = [await server.createDatabase(), await server.createDatabase()];
      const short = await measure({ kind: 'postgres', url: one, records: RECORDS, words: SHORT_WORDS });
      const long = await measure({ kind: 'postgres', url: two, records: LONG_RECORDS, words: LONG_WORDS });
      const note = `${noteOf(long.list)} Saving one takes ${ms(short.save)}.`;
      return [row('S2 list', 'PostgreSQL, 10,000 records: list a user, median', short.list, '<= 5', note)];
    } finally {
      await server.close();
    }
  },
};

/**
 * Median milliseconds of a save, and of a list.
 *
 * @param {Record<string, unknown>} parameters
 */
async function measure(parameters) {
  const { saves, lists } = await measureIn('storage.mjs', parameters);
  return { save: median(saves), list: median(lists) };
}

/** @param {number} list */
function noteOf(list) {
  return `A page is the transcripts of a user, at most 100, of ${SHORT_WORDS} words each; with ${LONG_WORDS} words each and 20 a user it takes ${ms(list)}.`;
}

/** @param {number} value */
function ms(value) {
  return `${value.toFixed(2)} ms`;
}

/**
 * @param {string} name
 * @param {string} title
 * @param {number} value
 * @param {string} bar
 * @param {string} note
 */
function row(name, title, value, bar, note) {
  return figure({ name, title, value, unit: 'ms', rival: 'none', bar, ours: ms(value), note });
}
