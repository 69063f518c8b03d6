import { toMicrophoneError, unsupportedError } from './microphone-errors.js';

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

/** Asks the user where they have not been asked. Rejects with a MicrophoneError. */
export async function openStream(
  deviceId: string | undefined,
  constraints: MediaTrackConstraints,
): Promise<MediaStream> {
  const devices = mediaDevices();
  if (devices === undefined) throw unsupportedError();
  const device = deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
  try {
    return await devices.getUserMedia({ audio: { ...constraints, ...device } });
  } catch (error) {
    throw toMicrophoneError(error);
  }
}

/** The browser shows that it records until every track has been stopped. */
export function releaseStream(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export function deviceOf(stream: MediaStream): MicrophoneDevice {
  const track = stream.getAudioTracks()[0];
  return { id: track?.getSettings().deviceId ?? '', label: track?.label ?? '' };
}
