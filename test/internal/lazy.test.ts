import { expect, it } from 'vitest';
import { Lazy } from '../../src/internal/lazy.js';

it('makes its value once, at the first use', async () => {
  let made = 0;
  const lazy = new Lazy(async () => ++made);
  expect([lazy.value, await lazy.peek(), made]).toEqual([undefined, undefined, 0]);
  expect(await Promise.all([lazy.get(), lazy.get(), lazy.peek()])).toEqual([1, 1, 1]);
  expect(lazy.value).toBe(1);
});

it('tries again what failed', async () => {
  let fails = true;
  const lazy = new Lazy(async () => {
    if (fails) throw new Error('not yet');
    return 'made';
  });
  const first = lazy.get();
  expect(await lazy.peek()).toBeUndefined();
  await expect(first).rejects.toThrow('not yet');
  fails = false;
  expect(await lazy.get()).toBe('made');
});
