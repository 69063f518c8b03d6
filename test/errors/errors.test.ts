import { inspect } from 'node:util';
import {
  AbortedError,
  AuthError,
  BadRequestError,
  NetworkError,
  ProviderError,
  QueueError,
  RateLimitError,
  StorageError,
  TimeoutError,
  TranscriptionError,
  UnsupportedSourceError,
} from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import { errorFromData } from '../../src/errors/from-data.js';
import { errorFromStatus } from '../../src/errors/from-status.js';
import { addAdvice, toTranscriptionError } from '../../src/errors/index.js';

const CLASSES = {
  AbortedError,
  AuthError,
  BadRequestError,
  NetworkError,
  ProviderError,
  QueueError,
  RateLimitError,
  StorageError,
  TimeoutError,
  TranscriptionError,
  UnsupportedSourceError,
};
const NAMES = Object.keys(CLASSES) as (keyof typeof CLASSES)[];

describe('every error class', () => {
  it.each(NAMES)('%s', (name) => {
    const error = new CLASSES[name]('Do this.', { code: 'internal', cause: 5 });
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(TranscriptionError);
    expect(error.name).toBe(name);
    expect(String(error)).toBe(`${name}: Do this.`);
    expect(error.stack).toContain('errors.test.ts');
    expect(error).toMatchObject({ retryable: false, ambiguous: false, cause: 5 });
    for (const other of NAMES) {
      const expected = other === name || other === 'TranscriptionError';
      expect(error instanceof CLASSES[other]).toBe(expected);
    }
    expect(inspect(error)).toContain(`code: 'internal'`);
  });

  it('comes back from its data', () => {
    for (const name of NAMES) {
      const details = {
        code: 'rate_limited',
        retryable: true,
        ambiguous: true,
        status: 429,
        requestId: 'r',
        region: 'e',
        attempt: 2,
      } as const;
      const error = new CLASSES[name]('Do this.', { ...details, cause: new Error('secret') });
      const data = JSON.parse(JSON.stringify(error));
      expect(data).toEqual({ name, message: 'Do this.', ...details });
      const again = errorFromData(data);
      expect(again).toBeInstanceOf(CLASSES[name]);
      expect(again.toJSON()).toEqual(data);
      expect(again.cause).toBeUndefined();
    }
  });

  it.each(['constructor', 'toString', '__proto__', 'Error', ''])(
    'data named %j gives the base class',
    (name) => {
      const data = { name, code: 'internal', message: 'm', retryable: false, ambiguous: false };
      const error = errorFromData(data);
      expect(error).toBeInstanceOf(TranscriptionError);
      expect(error.name).toBe('TranscriptionError');
    },
  );
});

describe('instanceof', () => {
  it('holds across two copies of the library', async () => {
    vi.resetModules();
    const copy = await import('../../src/errors/index.js');
    expect(copy.AuthError).not.toBe(AuthError);
    const foreign = new copy.AuthError('m', { code: 'forbidden' });
    expect(foreign).toBeInstanceOf(AuthError);
    expect(foreign).toBeInstanceOf(TranscriptionError);
    expect(foreign instanceof BadRequestError).toBe(false);
    expect(TranscriptionError.isInstance(foreign)).toBe(true);
    expect(toTranscriptionError(foreign)).toBe(foreign);
  });

  it.each([null, undefined, 5, 'AuthError', {}, { name: 'AuthError' }, new Error('m'), () => 5])(
    'is false for %o',
    (value) => {
      for (const name of NAMES) expect((value as unknown) instanceof CLASSES[name]).toBe(false);
    },
  );

  it('works for classes that extend ours', () => {
    class QuotaError extends RateLimitError {
      override readonly name = 'QuotaError' as never;
    }
    class PlainError extends RateLimitError {}
    const quota = new QuotaError('m', { code: 'rate_limited' });
    const ordinary = new RateLimitError('m', { code: 'rate_limited' });
    for (const ErrorClass of [QuotaError, RateLimitError, TranscriptionError])
      expect(quota).toBeInstanceOf(ErrorClass);
    expect(ordinary instanceof QuotaError).toBe(false);
    expect(ordinary instanceof PlainError).toBe(false);
    expect(new PlainError('m', { code: 'rate_limited' })).toBeInstanceOf(PlainError);
  });
});

describe('foreign errors', () => {
  it.each([new TypeError('x'), 'text', undefined, null, 5])('%o is wrapped', (value) => {
    expect(toTranscriptionError(value)).toMatchObject({ name: 'TranscriptionError', code: 'internal' });
  });

  it('advice is added once', () => {
    const error = new AuthError('First.', { code: 'forbidden' });
    addAdvice(error, 'Second.');
    addAdvice(error, 'Second.');
    expect(error.message).toBe('First. Second.');
    expect(error.toJSON().message).toBe('First. Second.');
  });
});

describe('what Deepgram said', () => {
  it.each([
    ['Bad Request', 'Bad Request: failed to process audio', '(Bad Request: failed to process audio)'],
    ['INVALID_AUTH', 'Invalid credentials.', '(INVALID_AUTH: Invalid credentials.)'],
    ['INVALID_AUTH', undefined, '(INVALID_AUTH)'],
    [undefined, 'Too slow.', '(Too slow.)'],
  ])('%s and %s', (providerCode, providerMessage, said) => {
    const error = errorFromStatus({
      status: 400,
      ...(providerCode === undefined ? {} : { providerCode }),
      ...(providerMessage === undefined ? {} : { providerMessage }),
    });
    expect(error.message).toMatch(`Deepgram answered 400 ${said}. Check`);
  });
});
