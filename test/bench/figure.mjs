// @ts-check

/**
 * One line of the results.
 *
 * @typedef {object} Figure
 * @property {string} name
 * @property {string} title What is measured, for people.
 * @property {number | null} value Null where it could not be measured; the note says why.
 * @property {string} unit
 * @property {string} rival
 * @property {string} bar Such as `<= 1.0`.
 * @property {boolean | null} pass
 * @property {string} ours The library's own figure, with its unit.
 * @property {string} theirs The rival's.
 * @property {string} note
 */

/**
 * @typedef {object} RowOptions
 * @property {number | undefined} rounds Overrides the row's own number of rounds.
 */

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {(options: RowOptions) => Promise<Figure[]>} run
 */

/**
 * @param {Pick<Figure, 'name' | 'title' | 'value' | 'unit' | 'rival' | 'bar'> & Partial<Figure>} measured
 * @returns {Figure}
 */
export function figure(measured) {
  const value = measured.value === null ? null : round(measured.value);
  return {
    ours: '',
    theirs: '',
    note: '',
    ...measured,
    value,
    pass: value === null ? null : meets(value, measured.bar),
  };
}

/**
 * @param {number} value
 * @param {string} bar
 */
function meets(value, bar) {
  const [, direction, limit] = /^(<=|>=) (\d+(?:\.\d+)?)$/.exec(bar) ?? [];
  if (limit === undefined) throw new Error(`Not a bar: ${bar}`);
  return direction === '<=' ? value <= Number(limit) : value >= Number(limit);
}

/** @param {number} value */
function round(value) {
  if (!Number.isFinite(value)) throw new Error('The measurement gave no number.');
  return Number(value.toFixed(Math.abs(value) < 10 ? 3 : 1));
}

/** @param {Figure} figure */
export function toJsonLine({ name, value, unit, rival, bar, pass }) {
  return JSON.stringify({ name, value, unit, rival, bar, pass });
}
