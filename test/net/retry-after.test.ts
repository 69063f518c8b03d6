import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/net/retry-after.js';

const RECEIVED = Date.UTC(2026, 0, 2, 3, 0, 0);

describe('Retry-After', () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '5' }, 5000],
    [{ 'retry-after': ' 5 ' }, 5000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after': '9999999999' }, 9_999_999_999_000],
    [{ 'retry-after': '99999999999' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': '1e3' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': 'Fri, 02 Jan 2026 03:01:00 GMT' }, 60_000],
    [{ 'retry-after': 'Fri, 02 Jan 2026 02:00:00 GMT' }, 0],
    // The sender's clock is an hour ahead of ours.
    [{ 'retry-after': 'Fri, 02 Jan 2026 04:01:00 GMT', date: 'Fri, 02 Jan 2026 04:00:00 GMT' }, 60_000],
    [{ 'retry-after': 'Fri, 02 Jan 2026 03:01:00 GMT', date: 'soon' }, 60_000],
  ])('%j', (headers, expected) => {
    expect(parseRetryAfter((name) => headers[name], RECEIVED)).toBe(expected);
  });
});
