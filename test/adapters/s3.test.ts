import { afterAll, beforeAll, describe, it } from 'vitest';
import { createS3AudioStore } from '../../src/adapters/s3/index.js';
import { testAudioStoreContract } from '../../src/testing/contract/audio-store.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server.close());

let prefixes = 0;

describe.each([true, false])('presign: %s', (presign) => {
  const open = (prefix: string) =>
    createS3AudioStore({ client: server.client(), bucket: server.bucket, prefix, presign });
  const prefixOf = new WeakMap<object, string>();
  testAudioStoreContract(
    { describe, it },
    {
      capabilities: { shared: true, durable: true },
      members: presign ? ['url', 'purge', 'health'] : ['purge', 'health'],
      create() {
        const prefix = `suite/${++prefixes}/`;
        const store = open(prefix);
        prefixOf.set(store, prefix);
        return store;
      },
      reopen: (first) => open(prefixOf.get(first) ?? ''),
    },
  );
});
