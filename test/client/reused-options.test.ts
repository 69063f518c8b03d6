import { expect, it } from 'vitest';
import { clientOf } from '../support/client.js';
import { listenAnswer, startAnswering } from '../support/fault-server.js';

it('options of submit() too', async () => {
  await using server = await startAnswering({ status: 200, body: listenAnswer() });
  await using client = clientOf(server.url);
  const options = { userId: '' };
  const calls = ['ada', 'grace'].map((userId) => {
    options.userId = userId;
    return client.submit(new Uint8Array([1, 2, 3]), options);
  });
  for (const call of calls) await call;
  const users = (await client.transcripts.list()).items.map(({ userId }) => userId);
  expect(users.sort()).toEqual(['ada', 'grace']);
});

it('options that are changed after the call, also after the first, belong to the next one', async () => {
  await using server = await startAnswering({ status: 200, body: listenAnswer() });
  await using client = clientOf(server.url);
  const options = { userId: '' };
  const calls = ['ada', 'grace'].map((userId) => {
    options.userId = userId;
    return client.transcribe(new Uint8Array([1, 2, 3]), options);
  });
  const stored = await Promise.all(calls.map(async (call) => client.transcripts.get((await call).id)));
  expect(stored.map((transcript) => transcript?.userId)).toEqual(['ada', 'grace']);
});
