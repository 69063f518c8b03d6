/** @import { LiveClientEvent } from 'transcription-client/browser' */

/** @typedef {Extract<LiveClientEvent, { type: 'final' }>} Final */
/** @typedef {{ readonly word: string, readonly channel: number }} Spoken */

/**
 * Compares what arrived with what was spoken, word by word and channel by channel.
 *
 * @param {readonly Final[]} finals
 * @param {readonly Spoken[]} spoken
 * @returns {'all' | 'beginning' | 'different'} `beginning`: it was stopped before its end.
 */
export function compareWords(finals, spoken) {
  const channels = new Set([...spoken, ...finals].map(({ channel }) => channel));
  const findings = [...channels].map((channel) => {
    const arrived = finals
      .filter((final) => final.channel === channel)
      .flatMap(({ words }) => words.map(({ word }) => word.toLowerCase()));
    const expected = spoken.filter((word) => word.channel === channel).map(({ word }) => word);
    const differs = arrived.findIndex((word, index) => word !== expected[index]);
    if (differs === -1) return arrived.length === expected.length ? 'all' : 'beginning';
    // Stopped within a word, of which a part was heard.
    const isPart = differs === arrived.length - 1 && expected[differs]?.startsWith(arrived[differs] ?? '-');
    return isPart ? 'beginning' : 'different';
  });
  if (findings.includes('different')) return 'different';
  return findings.includes('beginning') ? 'beginning' : 'all';
}

/**
 * @param {readonly Final[]} finals
 */
export function countWords(finals) {
  return finals.reduce((sum, { words }) => sum + words.length, 0);
}
