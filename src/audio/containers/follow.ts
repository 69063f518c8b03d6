import type { AudioContainer, CutPoint } from '../../contracts/index.js';
import { ByteWindow } from './byte-window.js';

/**
 * The length of what begins at the first byte. More than the bytes there are: the rest is passed over as it comes.
 * `incomplete`: more bytes are needed; a parser may ask for so many only that their number is bounded.
 * `unknown`: it is not understood, and nothing that follows will be.
 */
export type Taken = number | 'incomplete' | 'unknown';

/** Knows one format. It is shown each element (a chunk, a page, a block) from its first byte. */
export interface ContainerParser {
  readonly header: Uint8Array | undefined;
  readonly bytesPerSecond: number | undefined;
  /** `position` is that of the first byte in the stream. Adds the cut points that it finds. */
  take(bytes: Uint8Array, position: number, cuts: CutPoint[]): Taken;
}

/** Shows a parser the stream element by element, however it is cut into chunks. */
export function follow(parser: ContainerParser): AudioContainer {
  const window = new ByteWindow();
  /** Of the first byte in the window. */
  let position = 0;
  let toPass = 0;
  let understood = true;

  /** Bytes at the begin of `view` that are done with. */
  function advance(view: Uint8Array, cuts: CutPoint[]): number {
    let offset = 0;
    while (offset < view.length) {
      if (toPass === 0) {
        const taken = parser.take(view.subarray(offset), position + offset, cuts);
        if (taken === 'incomplete') break;
        if (taken === 'unknown') {
          understood = false;
          return view.length;
        }
        toPass = taken;
      }
      const passed = Math.min(toPass, view.length - offset);
      offset += passed;
      toPass -= passed;
    }
    return offset;
  }

  return {
    get header() {
      return parser.header;
    },
    get bytesPerSecond() {
      return parser.bytesPerSecond;
    },
    push(bytes) {
      if (!understood) return [];
      const cuts: CutPoint[] = [];
      const done = advance(window.add(bytes), cuts);
      window.drop(done);
      position += done;
      return cuts;
    },
  };
}
