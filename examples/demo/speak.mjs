// @ts-check
import { spawnSync } from 'node:child_process';

/**
 * Speaks a sentence with espeak-ng, as a WAV file. Undefined where espeak-ng is not installed.
 *
 * @param {string} sentence
 */
export function speakAloud(sentence) {
  const { status, stdout } = spawnSync('espeak-ng', ['--stdout', sentence], { maxBuffer: 16 * 1024 * 1024 });
  return status === 0 && stdout.length > 0 ? new Uint8Array(stdout) : undefined;
}
