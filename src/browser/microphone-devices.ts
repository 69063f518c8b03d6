export interface MicrophoneDevice {
  readonly id: string;
  /** Empty until the user has allowed the microphone. */
  readonly label: string;
}

/** Undefined where the page is not served over https, and on servers. */
export function mediaDevices(): MediaDevices | undefined {
  return globalThis.navigator?.mediaDevices;
}

export async function listDevices(): Promise<MicrophoneDevice[]> {
  const devices = (await mediaDevices()?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind }) => kind === 'audioinput')
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}
