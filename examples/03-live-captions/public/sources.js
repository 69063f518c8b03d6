import { createMicrophone } from 'transcription-client/browser';

/** @import { MicrophoneFormat } from 'transcription-client/browser' */

/**
 * What gives sound: chunks of raw 16-bit audio, as fast as they are spoken, until it is stopped or over.
 *
 * @typedef {AsyncIterable<Uint8Array> & {
 *   readonly format: MicrophoneFormat,
 *   start(): Promise<void>,
 *   stop(): Promise<void>,
 * }} Source
 */

const SAMPLE_RATE = 16_000;
const CHUNK_MS = 100;

/**
 * @param {{ hearsTones: boolean }} settings
 * @returns {Source}
 */
export function openMicrophone({ hearsTones }) {
  // What a browser does for speech would spoil the tones that the emulator understands.
  const constraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  return createMicrophone({
    sampleRate: SAMPLE_RATE,
    workletUrl: '/microphone-worklet.js',
    ...(hearsTones ? { constraints } : {}),
  });
}

/** A recording that is played, silently, as if it were spoken now. */
export class Recording {
  #read;
  #channels;
  #isStopped = false;
  /** Ends the wait for the next chunk. */
  #wake = () => {};
  /** @type {Int16Array} */
  #samples = new Int16Array();

  /**
   * @param {() => Promise<ArrayBuffer>} read A file that the browser can decode.
   * @param {number} channels 1 mixes what there is.
   */
  constructor(read, channels) {
    this.#read = read;
    this.#channels = channels;
  }

  /** @returns {MicrophoneFormat} */
  get format() {
    return { encoding: 'linear16', sample_rate: SAMPLE_RATE, channels: this.#channels };
  }

  async start() {
    const bytes = await this.#read();
    // Decoding brings it to the rate of the context.
    const context = new OfflineAudioContext(1, 1, SAMPLE_RATE);
    this.#samples = toSamples(await context.decodeAudioData(bytes), this.#channels);
  }

  async stop() {
    this.#isStopped = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    const step = (SAMPLE_RATE * CHUNK_MS * this.#channels) / 1000;
    const startedAt = performance.now();
    for (let at = 0; at < this.#samples.length; at += step) {
      // A chunk is there when its last sample has been spoken.
      await this.#pause(startedAt + (at / step + 1) * CHUNK_MS - performance.now());
      if (this.#isStopped) return;
      const chunk = this.#samples.slice(at, at + step);
      yield new Uint8Array(chunk.buffer);
    }
  }

  /**
   * @param {number} milliseconds
   */
  #pause(milliseconds) {
    return new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      setTimeout(resolve, milliseconds);
    });
  }
}

/**
 * Channels interleaved, as 16-bit samples.
 *
 * @param {AudioBuffer} audio
 * @param {number} channels
 */
function toSamples(audio, channels) {
  const tracks = Array.from({ length: audio.numberOfChannels }, (_, index) => audio.getChannelData(index));
  const samples = new Int16Array(audio.length * channels);
  for (let frame = 0; frame < audio.length; frame += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const value = channels === 1 ? mean(tracks, frame) : (tracks[channel]?.[frame] ?? 0);
      samples[frame * channels + channel] = Math.max(-1, Math.min(1, value)) * 32_767;
    }
  }
  return samples;
}

/**
 * @param {readonly Float32Array[]} tracks
 * @param {number} frame
 */
function mean(tracks, frame) {
  return tracks.reduce((sum, track) => sum + (track[frame] ?? 0), 0) / tracks.length;
}

/**
 * How loud it is, from 0 to 1.
 *
 * @param {Uint8Array} chunk
 */
export function loudness({ buffer, byteOffset, byteLength }) {
  const samples = new Int16Array(buffer, byteOffset, byteLength / 2);
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  // Ears hear decibels: from -60, which is silence, to 0.
  return Math.max(0, Math.min(1, 1 + Math.log10(Math.sqrt(power) / 32_767 || 1e-9) / 3));
}
