export interface Worklet {
  readonly name: string;
  readonly code: string;
  /** Where the code is served. Undefined: it is loaded as a blob. */
  readonly url: string | undefined;
}

/** Loads the worklet, and makes a node that mixes all channels down to one. */
export async function createWorkletNode(context: AudioContext, worklet: Worklet): Promise<AudioWorkletNode> {
  const { name, code, url } = worklet;
  const module = url ?? URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  try {
    await context.audioWorklet.addModule(module);
  } catch (cause) {
    const error = new Error('The audio worklet could not be loaded.', { cause });
    error.name = 'WorkletError';
    throw error;
  } finally {
    if (url === undefined) URL.revokeObjectURL(module);
  }
  return new AudioWorkletNode(context, name, { channelCount: 1, channelCountMode: 'explicit' });
}
