import { type Capture, type CaptureHooks, LEVELS_PER_SECOND } from './capture.js';
import { LevelMeter } from './level-meter.js';
import { microphoneError } from './microphone-errors.js';
import { MICROPHONE_WORKLET, WORKLET_NAME } from './microphone-worklet.js';
import { PcmFramer } from './pcm-framer.js';
import { Resampler } from './resampler.js';

export interface PcmSettings {
  readonly sampleRate: number;
  readonly frameMs: number;
  readonly workletUrl: string | undefined;
}

/** Raw 16-bit mono audio through an audio worklet. */
export async function createPcmCapture(
  context: AudioContext,
  settings: PcmSettings,
  hooks: CaptureHooks,
): Promise<Capture> {
  await loadWorklet(context, settings.workletUrl);
  // The node mixes all channels down to one.
  const node = new AudioWorkletNode(context, WORKLET_NAME, {
    channelCount: 1,
    channelCountMode: 'explicit',
  });
  const resampler = new Resampler(context.sampleRate, settings.sampleRate);
  const framer = new PcmFramer(Math.round((settings.sampleRate * settings.frameMs) / 1000), hooks.onAudio);
  const meter = new LevelMeter(Math.round(context.sampleRate / LEVELS_PER_SECOND), hooks.onLevel);
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
      source = context.createMediaStreamSource(stream);
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

async function loadWorklet(context: AudioContext, workletUrl: string | undefined): Promise<void> {
  const url = workletUrl ?? URL.createObjectURL(new Blob([MICROPHONE_WORKLET], { type: 'text/javascript' }));
  try {
    await context.audioWorklet.addModule(url);
  } catch (error) {
    throw microphoneError(
      'microphone_unsupported',
      workletUrl === undefined
        ? 'The audio worklet could not be loaded. Allow blob: in script-src of the Content-Security-Policy, or serve MICROPHONE_WORKLET as a file and name it in workletUrl.'
        : 'The audio worklet could not be loaded. Check that workletUrl serves MICROPHONE_WORKLET as text/javascript.',
      error,
    );
  } finally {
    if (workletUrl === undefined) URL.revokeObjectURL(url);
  }
}
