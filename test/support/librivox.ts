import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Comes with Debian's `pocketsphinx-testdata`: a chapter's sentences, WAV files, 16 kHz mono. */
const FOLDER = '/usr/share/pocketsphinx/test/data/librivox';

export interface Recording {
  readonly name: string;
  readonly path: string;
  /** What is said in it: lower case, no punctuation. */
  readonly text: string;
}

/** The five recordings, by name. */
export function librivoxRecordings(): Recording[] {
  return readFileSync(join(FOLDER, 'transcription'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseLine)
    .sort((one, other) => one.name.localeCompare(other.name));
}

/** A line reads `<s> the words </s> (name)`. */
function parseLine(line: string): Recording {
  const [, text, name] = /^<s>(.*)<\/s>\s*\((.+)\)\s*$/.exec(line) ?? [];
  if (text === undefined || name === undefined) throw new Error(`Not a line of a transcription: ${line}`);
  return { name, path: join(FOLDER, `${name}.wav`), text: text.trim() };
}
