import type { Level } from './level-meter.js';

/** Takes sound out of a stream of the microphone. */
export interface Capture {
  /** Listens to this stream, in the place of the one before. */
  connect(stream: MediaStream): void;
  /** Ends it. What was heard has been handed out when this settles. */
  stop(): Promise<void>;
}

export interface CaptureHooks {
  onAudio(chunk: Uint8Array): void;
  onLevel(level: Level): void;
  readonly levelsPerSecond: number;
}
