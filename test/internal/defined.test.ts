import { describe, expect, expectTypeOf, it } from 'vitest';
import { defined } from '../../src/internal/defined.js';

describe('defined()', () => {
  it('drops what is undefined and nothing else', () => {
    const fields = { a: undefined, b: null, c: 0, d: '', e: false };
    expect(Object.entries(defined(fields))).toEqual([
      ['b', null],
      ['c', 0],
      ['d', ''],
      ['e', false],
    ]);
    expect(fields).toHaveProperty('a', undefined);
  });

  it('has the type of what is left', () => {
    const fields: { a: string | undefined; b?: number | undefined; c: boolean } = {
      a: undefined,
      b: undefined,
      c: true,
    };
    const left: { a?: string; b?: number; c: boolean } = defined(fields);
    expect(left).toStrictEqual({ c: true });
    expectTypeOf(defined(fields).c).toEqualTypeOf<boolean>();
    expectTypeOf(defined(fields).a).toEqualTypeOf<string | undefined>();
    // @ts-expect-error What may be undefined may be missing.
    const whole: { a: string | undefined } = defined(fields);
    expect(whole).not.toHaveProperty('a');
  });
});
