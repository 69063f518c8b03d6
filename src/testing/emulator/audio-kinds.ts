import { noDecoder, UnreadableAudio } from './unreadable-audio.js';

/** What often is sent as audio and cannot be decoded here. */
const NAMED: readonly (readonly [begin: RegExp, name: string])[] = [
  [/^(ID3|\u00ff[\u00e2\u00e3\u00f2\u00f3\u00fa\u00fb])/, 'MP3'],
  [/^fLaC/, 'FLAC'],
  [/^.{4}ftyp/s, 'MP4'],
  [/^#!AMR/, 'AMR'],
  [/^\u00ff[\u00f0\u00f1\u00f8\u00f9]/, 'AAC'],
];
const CLUSTER = '\u001f\u0043\u00b6\u0075';

/** Says what audio is that begins like no container which is read here. */
export function unknownAudio(bytes: Uint8Array): UnreadableAudio {
  const text = Buffer.from(bytes).toString('latin1');
  if (text.startsWith(CLUSTER)) {
    return new UnreadableAudio('lacksHeader', 'the WebM stream lacks its header');
  }
  if (text.includes(CLUSTER)) {
    return new UnreadableAudio('resumesInside', 'a WebM stream goes on inside a block');
  }
  if (text.includes('OggS')) {
    return new UnreadableAudio('resumesInside', 'an Ogg stream goes on inside a page');
  }
  const name = NAMED.find(([begin]) => begin.test(text))?.[1];
  return name
    ? noDecoder(name)
    : new UnreadableAudio('unknownFormat', 'it begins like no format that is known');
}
