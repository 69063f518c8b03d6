import { describe, expect, it } from 'vitest';
import {
  type AudioStoreContractOptions,
  testAudioStoreContract,
} from '../../src/testing/contract/audio-store.js';
import { broken } from './broken-audio-store.js';
import { brokenAudioMembers } from './broken-audio-store-members.js';
import { brokenAudioPuts } from './broken-audio-store-puts.js';
import { numberOf, outcomeOf, rulesOf } from './failed-rules.js';
import { proveRules } from './prove-rules.js';

const sound = broken();
const runner = { describe: () => undefined, it: () => undefined };

describe('the audio store contract', () => {
  proveRules<AudioStoreContractOptions>(testAudioStoreContract, sound, {
    ...brokenAudioPuts,
    ...brokenAudioMembers,
  });

  it('leaves out what is not stated', () => {
    const rules = (options: Partial<AudioStoreContractOptions>) =>
      rulesOf((to) => testAudioStoreContract(to, { ...sound, ...options })).map(numberOf);
    const complete = rules({});
    const leftOut = (options: Partial<AudioStoreContractOptions>) => {
      const declared = rules(options);
      return complete.filter((rule) => !declared.includes(rule)).map((rule) => Number(rule.split(' ')[1]));
    };
    expect(leftOut({ capabilities: { shared: false, durable: true } })).toEqual([27]);
    expect(leftOut({ capabilities: { shared: true, durable: false } })).toEqual([28]);
    expect(leftOut({ members: ['purge', 'health'] })).toEqual([33, 34]);
    expect(leftOut({ members: ['url', 'purge'] })).toEqual([31, 32]);
    expect(leftOut({ members: ['url', 'health'] })).toEqual([21, 25, 29, 30, 32]);
    expect(leftOut({ members: [] })).toEqual([21, 25, 29, 30, 31, 32, 33, 34]);
  });

  it.each(['url', 'purge', 'health'] as const)(
    'fails where %s is there and was not named',
    async (member) => {
      const members = (['url', 'purge', 'health'] as const).filter((name) => name !== member);
      const { failed } = await outcomeOf((to) => testAudioStoreContract(to, { ...sound, members }));
      expect(failed.map(numberOf)).toEqual(['audio-store 1']);
    },
  );

  it.each([
    ['no reopen', { reopen: undefined }, /reopen: is needed/],
    ['a misspelt option', { membres: ['url'] }, /membres/],
    ['a member that is none', { members: ['url', 'close'] }, /members\[1\]: must be url or purge or health/],
    ['a member that is no list', { members: 'url' }, /members: must be a list/],
    ['a capability that is none', { capabilities: { shared: true, durable: true, atomic: true } }, /atomic/],
  ])('refuses %s', (_what, wrong, message) => {
    const declare = testAudioStoreContract as (...given: unknown[]) => void;
    expect(() => declare(runner, { ...sound, ...wrong })).toThrow(message);
  });

  it('names the rule of a store that never answers', async () => {
    const { reasons } = await outcomeOf((to) =>
      testAudioStoreContract(to, {
        ...broken(() => ({ put: () => new Promise(() => undefined) })),
        timeoutMs: 50,
      }),
    );
    expect(reasons.join('\n')).toContain('No end after 50 ms: audio-store 2');
  });
});
