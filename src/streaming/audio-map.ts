import { createAudioContainer } from '../audio/containers/index.js';
import type { AudioContainer, CutPoint } from '../contracts/index.js';
import { type AudioMeter, concat } from './audio-meter.js';

/** Where a replay begins. */
export interface Cut {
  readonly position: number;
  readonly seconds: number;
  /** What a new connection needs before it: the header of a container. */
  readonly preamble?: Uint8Array;
}

/** So many bytes tell what kind of audio it is. */
const LONGEST_BEGINNING = 4096;
/** No header is longer. */
const LONGEST_HEADER = 256 * 1024;
/** Cut points lie closer together, unless what follows is not understood. */
const LONGEST_WITHOUT_CUT = 1024 * 1024;

/** Knows which byte belongs to which second, and where a stream may be cut. */
export class AudioMap {
  readonly #meter: AudioMeter;
  readonly #isRaw: boolean;
  #beginning: Uint8Array | undefined = new Uint8Array(0);
  #container: AudioContainer | undefined;
  #cuts: CutPoint[] = [];
  #followedBytes = 0;
  #lastCut = 0;

  constructor(meter: AudioMeter) {
    this.#meter = meter;
    this.#isRaw = meter.isRaw;
  }

  /** Must see the audio in order, from its first byte. */
  look(bytes: Uint8Array): void {
    if (this.#isRaw) return;
    if (this.#beginning === undefined) {
      this.#follow(bytes);
      return;
    }
    this.#beginning = concat(this.#beginning, bytes);
    const container = createAudioContainer(this.#beginning);
    if (container === 'undecided' && this.#beginning.length < LONGEST_BEGINNING) return;
    const beginning = this.#beginning;
    this.#beginning = undefined;
    if (container === 'undecided') return;
    this.#container = container;
    this.#follow(beginning);
  }

  /** Undefined where the format does not tell. */
  seconds(position: number): number | undefined {
    if (this.#isRaw) return this.#meter.seconds(position);
    const bytesPerSecond = this.#container?.bytesPerSecond;
    const headerBytes = this.#container?.header?.length;
    if (bytesPerSecond !== undefined && headerBytes !== undefined) {
      return Math.max(0, position - headerBytes) / bytesPerSecond;
    }
    return this.#container === undefined || (this.isOpaque && this.#cuts.length === 0)
      ? undefined
      : this.#between(position);
  }

  /** True where the audio can only be sent from its beginning on, and once. */
  get isOpaque(): boolean {
    if (this.#isRaw) return this.#meter.bytesPerSecond === undefined;
    if (this.#beginning !== undefined) return false;
    if (this.#container === undefined) return true;
    if (this.#container.header === undefined) return this.#followedBytes > LONGEST_HEADER;
    return this.#followedBytes - this.#lastCut > LONGEST_WITHOUT_CUT;
  }

  /** What a connection needs that begins in the middle. */
  get header(): Uint8Array | undefined {
    return this.#container?.header;
  }

  /** Bytes of so many seconds, about. Undefined where the format does not tell. */
  bytesIn(seconds: number): number | undefined {
    const bytesPerSecond = this.#isRaw ? this.#meter.bytesPerSecond : this.#container?.bytesPerSecond;
    if (bytesPerSecond !== undefined) return Math.ceil(seconds * bytesPerSecond);
    const [first] = this.#cuts;
    const last = this.#cuts.at(-1);
    if (first === undefined || last === undefined || last.seconds <= first.seconds) return undefined;
    return Math.ceil((seconds * (last.position - first.position)) / (last.seconds - first.seconds));
  }

  /** The last place at or before the second from which the audio can be understood. Undefined where there is none. */
  cutBefore(seconds: number): Cut | undefined {
    const { bytesPerSecond, blockBytes } = this.#meter;
    if (this.#isRaw) {
      if (bytesPerSecond === undefined) return undefined;
      const position = Math.floor((seconds * bytesPerSecond) / blockBytes + 1e-6) * blockBytes;
      return { position, seconds: position / bytesPerSecond };
    }
    const header = this.#container?.header;
    const cut = this.#cuts.findLast((candidate) => candidate.seconds <= seconds + 1e-6);
    if (header === undefined || cut === undefined) {
      return seconds <= 0 || this.#cuts.length === 0 ? this.#start() : undefined;
    }
    const preamble = cut.prefix === undefined ? header : concat(header, cut.prefix);
    return { position: cut.position, seconds: cut.seconds, preamble };
  }

  /** The first place at or after the position from which the audio can be understood. */
  cutAfter(position: number): Cut | undefined {
    if (this.#isRaw) {
      const seconds = this.#meter.seconds(position);
      return seconds === undefined ? undefined : { position, seconds };
    }
    const cut = this.#cuts.find((candidate) => candidate.position >= position);
    return cut && this.cutBefore(cut.seconds);
  }

  /** Nothing before the position is asked for any more. */
  forget(position: number): void {
    const kept = this.#cuts.findLastIndex((cut) => cut.position <= position);
    if (kept > 0) this.#cuts.splice(0, kept);
  }

  #start(): Cut | undefined {
    return this.isOpaque ? undefined : { position: 0, seconds: 0 };
  }

  #follow(bytes: Uint8Array): void {
    const cuts = this.#container?.push(bytes) ?? [];
    this.#followedBytes += bytes.length;
    for (const cut of cuts) this.#cuts.push(cut);
    this.#lastCut = this.#cuts.at(-1)?.position ?? 0;
  }

  /** By the cut points around it; after the last one, at the pace of those before. */
  #between(position: number): number | undefined {
    const index = this.#cuts.findLastIndex((cut) => cut.position <= position);
    const before = this.#cuts[index];
    if (before === undefined) return 0;
    const after = this.#cuts[index + 1];
    const first = this.#cuts[0] as CutPoint;
    const [from, to] = after === undefined ? [first, before] : [before, after];
    const bytes = to.position - from.position;
    if (bytes <= 0) return before.seconds;
    return before.seconds + ((position - before.position) * (to.seconds - from.seconds)) / bytes;
  }
}
