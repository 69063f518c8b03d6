import { describe, expect, it } from 'vitest';
import { LevelMeter } from '../../src/browser/level-meter.js';
import { PcmFramer } from '../../src/browser/pcm-framer.js';
import { Resampler } from '../../src/browser/resampler.js';

/** A tone of one second. */
function tone(hertz: number, rate: number): Float32Array {
  return Float32Array.from({ length: rate }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate));
}

/** In blocks, as a worklet delivers them. */
function resample(input: Float32Array, from: number, to: number, block = 512): Float32Array {
  const resampler = new Resampler(from, to);
  const output: number[] = [];
  for (let at = 0; at < input.length; at += block) {
    output.push(...resampler.push(input.subarray(at, at + block)));
  }
  return Float32Array.from([...output, ...resampler.flush()]);
}

/** Decibels of what is left in the middle, against a tone of full scale. */
function loudness(samples: Float32Array): number {
  const middle = samples.subarray(samples.length * 0.2, samples.length * 0.8);
  const power = middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length;
  return 10 * Math.log10(2 * power + 1e-20);
}

describe('the resampler', () => {
  it.each([
    [48_000, 16_000],
    [44_100, 16_000],
    [96_000, 16_000],
    [48_000, 8000],
  ])('from %d to %d Hz lets no tone above the new limit come back as another one', (from, to) => {
    for (let hertz = to / 2; hertz < from / 2; hertz += from / 60) {
      expect(loudness(resample(tone(hertz, from), from, to)), `${hertz} Hz`).toBeLessThan(-60);
    }
  });

  it.each([
    [48_000, 16_000],
    [44_100, 16_000],
    [8000, 16_000],
    [16_000, 48_000],
  ])('from %d to %d Hz keeps the tones of speech', (from, to) => {
    for (let hertz = 50; hertz < 0.42 * Math.min(from, to); hertz += 333) {
      expect(Math.abs(loudness(resample(tone(hertz, from), from, to))), `${hertz} Hz`).toBeLessThan(0.5);
    }
  });

  it('sweeps through all frequencies without an alias', () => {
    const from = 48_000;
    const seconds = 4;
    const sweep = Float32Array.from({ length: from * seconds }, (_, index) => {
      const time = index / from;
      return Math.sin((2 * Math.PI * (24_000 * time ** 2)) / (2 * seconds));
    });
    const output = resample(sweep, from, 16_000, 128);
    // 6000 Hz a second: speech in the first 1.1 s, and from 8000 Hz on nothing.
    expect(loudness(output.subarray(0, 1.1 * 16_000))).toBeGreaterThan(-1);
    expect(loudness(output.subarray(1.36 * 16_000))).toBeLessThan(-60);
  });

  it.each([
    [48_000, 16_000],
    [44_100, 16_000],
    [44_100, 22_050],
    [8000, 16_000],
    [44_101, 16_000],
  ])('from %d to %d Hz neither moves nor loses time', (from, to) => {
    const input = tone(440, from);
    const output = resample(input, from, to);
    expect(Math.abs(output.length - to)).toBeLessThanOrEqual(1);
    for (let at = 1000; at < to - 1000; at += 77) {
      expect(output[at]).toBeCloseTo(Math.sin((2 * Math.PI * 440 * at) / to), 2);
    }
  });

  it('does not depend on how the audio is cut', () => {
    const input = tone(1234, 44_100);
    expect(resample(input, 44_100, 16_000, 441)).toEqual(resample(input, 44_100, 16_000, 7000));
    expect(resample(input, 44_100, 16_000, 1)).toEqual(resample(input, 44_100, 16_000, 7000));
  });

  it('hands on what has the rate already', () => {
    const input = tone(440, 16_000);
    expect(resample(input, 16_000, 16_000).subarray(0, 16_000)).toEqual(input);
  });
});

describe('the framer', () => {
  it('makes frames of one length, little-endian, and a rest', () => {
    const frames: Uint8Array[] = [];
    const framer = new PcmFramer(3, (frame) => frames.push(frame));
    framer.push(Float32Array.of(0, 1, -1, 0.5));
    framer.push(Float32Array.of(2, -2, 1 / 32768));
    framer.flush();
    framer.flush();
    expect(frames.map((frame) => [...frame])).toEqual([
      [0, 0, 0xff, 0x7f, 0, 0x80],
      [0, 0x40, 0xff, 0x7f, 0, 0x80],
      [1, 0],
    ]);
  });
});

describe('the level meter', () => {
  it('tells root mean square and peak, once for so many samples', () => {
    const levels: { rms: number; peak: number }[] = [];
    const meter = new LevelMeter(800, (level) => levels.push(level));
    meter.push(tone(440, 16_000).subarray(0, 2000));
    meter.push(new Float32Array(1200));
    expect(levels).toHaveLength(4);
    expect(levels[0]?.rms).toBeCloseTo(Math.SQRT1_2, 2);
    expect(levels[0]?.peak).toBeCloseTo(1, 2);
    expect(levels[3]).toEqual({ rms: 0, peak: 0 });
  });
});
