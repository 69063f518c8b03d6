import { Refusal } from './answer.js';
import type { AudioProblem } from './journal-types.js';

/** Audio that is refused: with status 400 as a recording, with 1008 DATA-0000 as a stream. */
export class UnreadableAudio extends Refusal {
  readonly problem: AudioProblem;
  /** Completes "The audio cannot be used: ...". ASCII, and short enough for a close frame. */
  readonly detail: string;

  constructor(problem: AudioProblem, detail: string) {
    super(
      400,
      'Bad Request',
      `Bad Request: failed to process audio: corrupt or unsupported data (${detail})`,
    );
    this.name = 'UnreadableAudio';
    this.problem = problem;
    this.detail = detail;
  }
}

/** The audio itself is whole, as far as can be told. */
export function noDecoder(format: string): UnreadableAudio {
  return new UnreadableAudio('noDecoder', `the emulator has no decoder for ${format}`);
}
