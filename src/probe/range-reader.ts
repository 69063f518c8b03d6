/** Audio whose bytes can be read from anywhere in it. */
export interface RangeReader {
  readonly sizeBytes: number;
  /** Bytes that are read at a time: far reads cost time, near ones cost bytes. */
  readonly blockBytes: number;
  /** The bytes of a range that lies within the audio. Rejects where it cannot have all of them. */
  read(start: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
