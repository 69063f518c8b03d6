import type { MicrophoneDevice } from './microphone-devices.js';

/** Asks the user where they have not been asked. Rejects with the browser's error. */
export function openStream(
  deviceId: string | undefined,
  constraints: MediaTrackConstraints,
): Promise<MediaStream> {
  const device = deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
  return navigator.mediaDevices.getUserMedia({ audio: { ...constraints, ...device } });
}

/** The browser shows that it records until every track has been stopped. */
export function releaseStream(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export function deviceOf(stream: MediaStream): MicrophoneDevice {
  const track = stream.getAudioTracks()[0];
  return { id: track?.getSettings().deviceId ?? '', label: track?.label ?? '' };
}
