import type { StoredTranscript } from 'transcription-client';
import type * as client from 'transcription-client/http-client';
import { describe, expectTypeOf, it } from 'vitest';
import type { DeepgramRequestOptions } from '../../../src/server/http/deepgram-options.js';
import type * as http from '../../../src/server/http/schemas.js';

/**
 * Without what says nothing about the JSON: `readonly`, and that undefined may stand for a missing field. Deepgram's own
 * answer has no schema of ours, and the facts of a decision may grow.
 */
type Plain<Value> = Value extends string | number | boolean
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly Plain<Item>[]
    : Value extends object
      ? {
          readonly [Key in keyof Value]: Key extends 'response' | 'facts'
            ? unknown
            : Plain<Exclude<Value[Key], undefined>>;
        }
      : Value;

describe('the types of the HTTP client', () => {
  it('are those of the schemas, for what it sends', () => {
    type Fields = keyof client.TranscribeRequest;
    expectTypeOf<Fields>().toEqualTypeOf<keyof http.TranscribeRequest>();
    expectTypeOf<Plain<client.TranscribeRequest>>().toExtend<Plain<http.TranscribeRequest>>();
    expectTypeOf<keyof client.DeepgramRequestOptions>().toEqualTypeOf<keyof DeepgramRequestOptions>();
  });

  it('are those of the schemas, for what it gets', () => {
    expectTypeOf<Plain<http.TranscribeAnswer>>().toExtend<Plain<client.TranscribeAnswer>>();
    expectTypeOf<Plain<client.TranscribeAnswer>>().toExtend<Plain<http.TranscribeAnswer>>();
    expectTypeOf<Plain<http.JobAnswer>>().toExtend<Plain<client.JobAnswer>>();
    expectTypeOf<Plain<client.JobAnswer>>().toExtend<Plain<http.JobAnswer>>();
    expectTypeOf<Plain<http.JobEventData>>().toExtend<Plain<client.JobEventAnswer>>();
    expectTypeOf<Plain<client.JobEventAnswer>>().toExtend<Plain<http.JobEventData>>();
    expectTypeOf<Plain<client.TokenAnswer>>().toEqualTypeOf<Plain<http.TokenAnswer>>();
    expectTypeOf<Plain<client.HealthAnswer>>().toEqualTypeOf<Plain<http.HealthAnswer>>();
    expectTypeOf<Plain<StoredTranscript>>().toExtend<Plain<http.TranscriptAnswer>>();
  });
});
