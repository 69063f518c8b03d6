/** The name under which the worklet registers its processor. */
export const WORKLET_NAME = 'transcription-microphone';

/**
 * The code of the audio worklet: it hands blocks of 512 samples to the page, where everything else is done. Without a
 * microphone it hands on silence, so that time goes on. Serve it
 * as a file of your own, and name it in `workletUrl`, where the Content-Security-Policy forbids `blob:`.
 */
export const MICROPHONE_WORKLET = `registerProcessor('${WORKLET_NAME}', class extends AudioWorkletProcessor {
block = new Float32Array(512);
filled = 0;
process([input]) {
for (const sample of input[0] ?? new Float32Array(128)) {
this.block[this.filled++] = sample;
if (this.filled < 512) continue;
this.port.postMessage(this.block);
this.filled = 0;
}
return true;
}
});
`;
