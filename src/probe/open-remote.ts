import type { RangeReader } from './range-reader.js';
import { openRanges, type RangeAnswer, type RangeRequests } from './range-requests.js';
import type { ProbeTargets } from './target.js';

/** One answer of usual size: a connection brings 16 kB with its first packets in any case. */
const BLOCK_BYTES = 16 * 1024;
const MAX_REDIRECTS = 3;

/** Reads audio at a URL by ranged requests. A server that does not answer them is not read at all. */
export function remoteOpener(
  url: string,
  targets: ProbeTargets,
): (signal: AbortSignal) => Promise<RangeReader> {
  return async (signal) => {
    const requests = openRanges(targets, signal);
    try {
      const { answer, finalUrl } = await follow(requests, url);
      return readerOf(requests, finalUrl, answer);
    } catch (error) {
      requests.close();
      throw error;
    }
  };
}

async function follow(
  requests: RangeRequests,
  url: string,
): Promise<{ answer: RangeAnswer; finalUrl: string }> {
  let finalUrl = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await requests.get(finalUrl, 0, BLOCK_BYTES);
    if (typeof answer !== 'string') return { answer, finalUrl };
    const next = new URL(answer, finalUrl);
    if (finalUrl.startsWith('https:') && next.protocol !== 'https:')
      throw new Error('It leads out of https.');
    finalUrl = next.href;
  }
  throw new Error('There are too many redirects.');
}

function readerOf(requests: RangeRequests, url: string, first: RangeAnswer): RangeReader {
  return {
    sizeBytes: first.sizeBytes,
    blockBytes: BLOCK_BYTES,
    async read(start, length) {
      const seen = first.bytes.subarray(start, start + length);
      if (seen.length === length) return seen;
      const answer = await requests.get(url, start, length);
      if (typeof answer === 'string' || answer.sizeBytes !== first.sizeBytes) {
        throw new Error('The audio changed while it was read.');
      }
      if (answer.bytes.length !== length) throw new Error('The answer is no whole range.');
      return answer.bytes;
    },
    close: async () => requests.close(),
  };
}
