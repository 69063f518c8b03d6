import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { encryptAudioStore } from '../../src/adapters/encryption/index.js';
import { createFileAudioStore } from '../../src/adapters/files/index.js';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import { testAudioStoreContract } from '../../src/testing/contract/audio-store.js';
import { createTestAudioStore, newKeys } from './encryption-samples.js';

const runner = { describe, it };
const base = mkdtempSync(join(tmpdir(), 'encryption-audio-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('in memory', () => {
  testAudioStoreContract(runner, {
    capabilities: { shared: false, durable: false },
    create: () => {
      const { put, open, delete: remove, capabilities } = createTestAudioStore();
      return encryptAudioStore({ put, open, delete: remove, capabilities }, newKeys);
    },
  });
});

describe('in files, the second store with another key to write with', () => {
  const directories = new WeakMap<AudioStore, string>();
  let folders = 0;
  const open = (directory: string, current: string): AudioStore => {
    const inner = createFileAudioStore({ directory, shared: true });
    const store = encryptAudioStore(inner, { ...newKeys, current });
    directories.set(store, directory);
    return store;
  };
  testAudioStoreContract(runner, {
    capabilities: { shared: true, durable: true },
    members: ['purge', 'health'],
    create: () => open(join(base, String(++folders)), 'old'),
    reopen: (first) => open(directories.get(first) as string, 'new'),
  });
});
