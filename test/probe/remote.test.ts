import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProbeTargets, remoteOpener } from '../../src/probe/index.js';
import { ENCODINGS, type EncodedAudio, encodeAudio } from './encoded-audio.js';
import { type Answer, rangeOf, startRangeServer } from './range-server.js';
import { type ProbeReport, probe } from './support.js';

let audio: EncodedAudio;
let speech: Buffer;
beforeAll(async () => {
  audio = await encodeAudio();
  speech = await readFile(audio.pathOf('pcm.wav'));
}, 60_000);
afterAll(() => audio[Symbol.asyncDispose]());

const targets = createProbeTargets({ allow: ['127.0.0.1'] });
const probeUrl = (url: string): Promise<ProbeReport> => probe(remoteOpener(url, targets));

describe('the length of audio at a URL', () => {
  it.each(Object.keys(ENCODINGS))('%s: by a few ranges on one connection', async (name) => {
    const content = await readFile(audio.pathOf(name));
    await using server = await startRangeServer(content);
    const { seconds = Number.NaN } = await probeUrl(server.url);
    expect(Math.abs(seconds - (await audio.secondsOf(name)))).toBeLessThan(0.1);
    expect(server.asked.every((range) => range.startsWith('bytes='))).toBe(true);
    expect(server.asked.length).toBeLessThanOrEqual(7);
    expect(server.bytesSent).toBeLessThanOrEqual(112 * 1024);
    expect(server.connections).toBe(1);
  });

  it('follows redirects, and asks for the rest where they led', async () => {
    await using server = await startRangeServer(speech);
    const answer: Answer = (request, response) => {
      response.writeHead(302, { location: request.url === '/speech' ? '/there' : server.url }).end();
      return 0;
    };
    await using moved = await startRangeServer(speech, { answer });
    expect((await probeUrl(moved.url)).seconds).toBe(24.73);
    expect(moved.asked).toHaveLength(2);
  });
});

describe('a server that answers otherwise', () => {
  /** Writes as long as anybody reads. */
  function flood(response: ServerResponse): number {
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      if (response.destroyed) return;
      while (response.write(chunk));
      response.once('drain', more);
    };
    more();
    return 0;
  }

  const answers: [string, Answer][] = [
    ['ignores ranges', (_request, response) => flood(response.writeHead(200))],
    [
      'says it sends a range, and goes on for ever',
      (_request, response) =>
        flood(response.writeHead(206, { 'content-range': `bytes 0-16383/${speech.length}` })),
    ],
    [
      'sends less than it says',
      (_request, response) => {
        response
          .writeHead(206, { 'content-range': `bytes 0-16383/${speech.length}` })
          .end(speech.subarray(0, 99));
        return 99;
      },
    ],
    [
      'sends another range',
      (_request, response) => {
        response
          .writeHead(206, { 'content-range': `bytes 5-99/${speech.length}` })
          .end(speech.subarray(5, 100));
        return 95;
      },
    ],
    [
      'does not know the size',
      (_request, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-99/*' }).end(speech.subarray(0, 100));
        return 100;
      },
    ],
    [
      'compresses',
      (request, response) => rangeOf(speech)(request, response.setHeader('content-encoding', 'gzip')),
    ],
    [
      'leads in circles',
      (_request, response) => {
        response.writeHead(302, { location: '/again' }).end();
        return 0;
      },
    ],
    [
      'leads nowhere',
      (_request, response) => {
        response.writeHead(302, { location: 'file:///etc/passwd' }).end();
        return 0;
      },
    ],
    [
      'has nothing there',
      (_request, response) => {
        response.writeHead(404).end();
        return 0;
      },
    ],
    [
      'hangs up',
      (_request, response) => {
        response.destroy();
        return 0;
      },
    ],
  ];

  it.each(answers)('%s: unknown, at once, and the connection is gone', async (_what, answer) => {
    await using server = await startRangeServer(speech, { answer });
    const { seconds, elapsedMs } = await probeUrl(server.url);
    expect(seconds).toBeUndefined();
    expect(elapsedMs).toBeLessThan(2500);
    expect(server.asked.length).toBeLessThanOrEqual(4);
  });

  it('never answers: given up after 3 seconds', async () => {
    await using server = await startRangeServer(speech, { answer: () => 0 });
    const { seconds, elapsedMs } = await probeUrl(server.url);
    expect(seconds).toBeUndefined();
    expect(elapsedMs).toBeLessThan(6000);
  });
});
