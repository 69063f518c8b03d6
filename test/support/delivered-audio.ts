import { BROKEN_WORD, syntheticSpeechRecognizer } from 'transcription-client/testing';
import type { Chromium } from './chromium.js';

/** The words in raw 16-bit audio. A word that the microphone has left out a part of is a BROKEN_WORD. */
export function wordsIn(audio: Buffer, sampleRate = 16_000): string[] {
  const samples = new Int16Array(audio.buffer.slice(audio.byteOffset, audio.byteOffset + audio.length));
  const words = syntheticSpeechRecognizer(
    { samples, sampleRate },
    { signal: new AbortController().signal, live: false },
  ) as readonly { word: string }[];
  return words.map(({ word }) => word);
}

/**
 * Matches what arrives where nothing of the delivered words is lost and nothing comes twice, joined with spaces. How
 * many words broken sound is told as depends on where Deepgram cuts the audio.
 */
export function allOf(delivered: readonly string[]): RegExp {
  const pattern = delivered
    .join(' ')
    .replaceAll(new RegExp(`${BROKEN_WORD}( ${BROKEN_WORD})*`, 'g'), (run) => {
      const count = run.split(' ').length;
      return `\\S+( \\S+){0,${count}}`;
    });
  return new RegExp(`^${pattern}$`);
}

/** In the page, before it connects to a bridge: keeps the audio that it sends. */
export const KEEP_SENT_AUDIO = `
  window.sentFrames = [];
  WebSocket.prototype.send = new Proxy(WebSocket.prototype.send, {
    apply(send, socket, [message]) {
      if (typeof message !== 'string') sentFrames.push(message.slice());
      return Reflect.apply(send, socket, [message]);
    },
  });
`;

/** What a page with KEEP_SENT_AUDIO has sent, joined by the positions. What was sent again counts once. */
export async function sentAudio(page: Chromium): Promise<Buffer> {
  const frames = await page.evaluate<string[]>('Promise.all(sentFrames.map((frame) => frame.toBase64()))');
  let audio = Buffer.alloc(0);
  for (const frame of frames.map((text) => Buffer.from(text, 'base64'))) {
    const position = Number(frame.readBigUInt64BE());
    if (position > audio.length) throw new Error(`The page left out ${position - audio.length} bytes.`);
    audio = Buffer.concat([audio, frame.subarray(8 + audio.length - position)]);
  }
  return audio;
}
