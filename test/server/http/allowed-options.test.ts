import { DEFAULT_ALLOWED_OPTIONS as OF_REQUESTS } from 'transcription-client/http';
import { DEFAULT_ALLOWED_OPTIONS as OF_BROWSERS } from 'transcription-client/websocket';
import { expect, it } from 'vitest';
import { createPaidOptionWarning } from '../../../src/deepgram/paid-options.js';

it.each([...OF_REQUESTS, ...OF_BROWSERS])('what strangers may set is not billed in addition: %s', (name) => {
  const warnings: unknown[] = [];
  const warn = createPaidOptionWarning((event) => warnings.push(event));
  warn({ [name]: 'value' }, 'call');
  expect(warnings).toEqual([]);
  warn({ multichannel: true }, 'call');
  expect(warnings).toHaveLength(1);
});
