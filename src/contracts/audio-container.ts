/** A place in a stream where it may be cut. */
export interface CutPoint {
  /**
   * Bytes from the beginning of the stream. What follows can be read after the header and the prefix alone. It may lie
   * a little before the bytes that were pushed last: a place is known once enough behind it has come.
   */
  readonly position: number;
  /** Second of the audio at which what follows begins. 0 is the first sample of the stream; it never falls. */
  readonly seconds: number;
  /** Bytes to send between the header and the stream from the position. Not to be changed. None by default. */
  readonly prefix?: Uint8Array;
}

/** Follows the bytes of an audio stream in a container. It sees each byte once, in order, and keeps none but the header. */
export interface AudioContainer {
  /** What a new stream has to begin with. Undefined until it is whole. */
  readonly header: Uint8Array | undefined;
  /** Bytes of audio in a second, where they are always the same (WAV). */
  readonly bytesPerSecond: number | undefined;
  /** The cut points that became known, in order. Throws nothing: of what it does not understand it has no cut points. */
  push(bytes: Uint8Array): readonly CutPoint[];
}
