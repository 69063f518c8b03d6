// @ts-check
import { figure } from '../figure.mjs';

/** @import { Figure, Row } from '../figure.mjs' */

/** @type {readonly Row[]} */
export const missingRows = [
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
