import { deepEqual } from 'node:assert/strict';
import type { AudioStore, AudioStoreCapabilities } from '../../contracts/audio-store.js';
import { requireOneOf } from '../check-options.js';
import { byteClauses } from './audio-store-bytes.js';
import { failureClauses } from './audio-store-failures.js';
import { memberClauses } from './audio-store-members.js';
import { refClauses } from './audio-store-refs.js';
import type { AudioStoreClause } from './audio-store-samples.js';
import { sharingClauses } from './audio-store-sharing.js';
import { checkSuite } from './check-suite.js';
import { type ContractOptions, type ContractRunner, runSuite } from './runner.js';

const MEMBERS = ['url', 'purge', 'health'] as const;

export interface AudioStoreContractOptions extends ContractOptions<AudioStore> {
  /** What the store states. Rules that hold only for a capability run only where it is true. */
  readonly capabilities: AudioStoreCapabilities;
  /** The optional members that the store has. Default none. Their rules run only where they are named. */
  readonly members?: readonly (typeof MEMBERS)[number][];
  /** A new, empty store. Called once for each rule. */
  create(): AudioStore | Promise<AudioStore>;
  /** One more way to the audio of the first. Needed where `shared` or `durable` is true. */
  reopen?(first: AudioStore): AudioStore | Promise<AudioStore>;
}

/**
 * Checks an audio store against the contract, one test for each rule. That a put which failed leaves nothing is
 * checked where the store has `purge()`. The largest audio has 9 MiB.
 *
 * ```ts
 * testAudioStoreContract({ describe, it }, {
 *   capabilities: { shared: false, durable: true },
 *   members: ['purge', 'health'],
 *   create: () => createFileAudioStore({ directory: newFolder() }),
 *   reopen: () => createFileAudioStore({ directory: sameFolder() }),
 * });
 * ```
 *
 * Throws a TypeError or RangeError for a wrong option, and where a stated capability needs `reopen`.
 */
export function testAudioStoreContract(runner: ContractRunner, options: AudioStoreContractOptions): void {
  checkSuite('testAudioStoreContract()', runner, options, {
    keys: ['members'],
    capabilities: ['shared', 'durable'],
  });
  const { capabilities, members = [], reopen } = options;
  checkMembers(members);
  if ((capabilities.shared || capabilities.durable) && reopen === undefined) {
    throw new TypeError('reopen: is needed where the capabilities shared or durable are stated');
  }
  const statement: AudioStoreClause = {
    rule: 'audio-store 1: the store states the capabilities that the suite was given, and has its optional members',
    async check({ adapter }) {
      deepEqual({ ...adapter.capabilities }, { ...capabilities });
      const found = MEMBERS.filter((member) => typeof adapter[member] === 'function');
      deepEqual(
        found,
        MEMBERS.filter((member) => members.includes(member)),
      );
    },
  };
  runSuite(runner, {
    title: 'audio store contract',
    clauses: [
      statement,
      ...byteClauses,
      ...refClauses,
      ...failureClauses,
      ...sharingClauses,
      ...memberClauses,
    ],
    stated: { ...capabilities, ...Object.fromEntries(members.map((member) => [member, true])) },
    time: 'injected',
    options,
    open: () => options.create(),
    another: (_clock, first) => options.reopen?.(first) ?? first,
    context: (subject) => subject,
  });
}

function checkMembers(members: readonly string[]): void {
  if (!Array.isArray(members)) throw new TypeError(`members: must be a list of names, got ${typeof members}`);
  for (const [index, member] of members.entries()) requireOneOf(`members[${index}]`, member, MEMBERS);
}
