import type { Capture, CaptureHooks } from './capture.js';
import { LevelMeter } from './level-meter.js';
import { PcmFramer } from './pcm-framer.js';
import { Resampler } from './resampler.js';

/** Raw 16-bit mono audio out of a worklet's node. This module is loaded when it is needed. */
export function createPcmCapture(
  node: AudioWorkletNode,
  sampleRate: number,
  frameMs: number,
  hooks: CaptureHooks,
): Capture {
  const { context } = node;
  const resampler = new Resampler(context.sampleRate, sampleRate);
  const framer = new PcmFramer(Math.round((sampleRate * frameMs) / 1000), hooks.onAudio);
  const meter = new LevelMeter(Math.round(context.sampleRate / hooks.levelsPerSecond), hooks.onLevel);
  node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
    meter.push(data);
    framer.push(resampler.push(data));
  };
  // It is silent there: browsers run only what leads to the loudspeaker.
  node.connect(context.destination);
  let source: MediaStreamAudioSourceNode | undefined;
  return {
    connect(stream) {
      source?.disconnect();
      source = (context as AudioContext).createMediaStreamSource(stream);
      source.connect(node);
    },
    async stop() {
      node.port.onmessage = null;
      source?.disconnect();
      node.disconnect();
      framer.push(resampler.flush());
      framer.flush();
    },
  };
}
