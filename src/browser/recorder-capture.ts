import type { Capture, CaptureHooks } from './capture.js';

const TYPES = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'];

/** Compressed audio in a container, from the browser's recorder. This module is loaded when it is needed. */
export function createRecorderCapture(context: AudioContext, frameMs: number, hooks: CaptureHooks): Capture {
  // A recorder keeps its stream: the devices change in front of it.
  const output = context.createMediaStreamDestination();
  const analyser = context.createAnalyser();
  analyser.connect(output);
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(output.stream, { ...(mimeType !== undefined && { mimeType }) });
  // Reading a blob takes its time, and the chunks must stay in order.
  let handedOut = Promise.resolve();
  recorder.ondataavailable = ({ data }) => {
    if (data.size === 0) return;
    handedOut = handedOut.then(async () => hooks.onAudio(new Uint8Array(await data.arrayBuffer())));
  };
  const stopped = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  const samples = new Float32Array(analyser.fftSize);
  const levels = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const squares = samples.reduce((sum, sample) => sum + sample * sample, 0);
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    hooks.onLevel({ rms: Math.min(1, Math.sqrt(squares / samples.length)), peak: Math.min(1, peak) });
  }, 1000 / hooks.levelsPerSecond);
  let source: MediaStreamAudioSourceNode | undefined;
  recorder.start(frameMs);
  return {
    connect(stream) {
      source?.disconnect();
      source = context.createMediaStreamSource(stream);
      source.connect(analyser);
    },
    async stop() {
      clearInterval(levels);
      source?.disconnect();
      if (recorder.state !== 'inactive') {
        recorder.stop();
        await stopped;
      }
      await handedOut;
    },
  };
}
