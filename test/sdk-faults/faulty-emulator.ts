import { type DeepgramEmulator, type LiveFault, startDeepgramEmulator } from 'transcription-client/testing';

/** An emulator whose first live streams meet these faults, one each. */
export async function startFaultyEmulator(...faults: readonly LiveFault[]): Promise<DeepgramEmulator> {
  const emulator = await startDeepgramEmulator();
  for (const fault of faults) emulator.faults.live.next(fault);
  return emulator;
}
