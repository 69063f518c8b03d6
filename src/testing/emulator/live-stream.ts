import type { Clock } from '../../contracts/clock.js';
import type { Recognizer } from '../recognizer.js';
import type { RequestEntry } from './journal.js';
import type { ResolvedLiveOptions } from './options.js';

/** What every accepted live stream works with, of v1 or Flux. */
export interface LiveStreamOptions {
  readonly recognizer: Recognizer;
  readonly settings: ResolvedLiveOptions;
  readonly clock: Clock;
  readonly entry: RequestEntry;
}
