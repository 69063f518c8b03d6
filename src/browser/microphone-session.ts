import { keepRunning } from './audio-context.js';
import type { Capture } from './capture.js';
import {
  deviceOf,
  listDevices,
  type MicrophoneDevice,
  mediaDevices,
  openStream,
  releaseStream,
} from './microphone-devices.js';
import { type MicrophoneError, toMicrophoneError } from './microphone-errors.js';

export interface MicrophoneSessionHooks {
  readonly constraints: MediaTrackConstraints;
  readonly createCapture: (context: AudioContext) => Promise<Capture>;
  onDevice(device: MicrophoneDevice, reason: 'started' | 'chosen' | 'lost'): void;
  onDevices(): void;
  onSuspended(suspended: boolean): void;
  onError(error: MicrophoneError): void;
}

/** A microphone between its start and its stop. */
export class MicrophoneSession {
  readonly #hooks: MicrophoneSessionHooks;
  #context: AudioContext | undefined;
  #capture: Capture | undefined;
  #stream: MediaStream | undefined;
  #muted: boolean;
  #over = false;
  /** Changes of the device follow one another. */
  #changes: Promise<unknown> = Promise.resolve();
  #cleanUp: (() => void)[] = [];

  constructor(hooks: MicrophoneSessionHooks, muted: boolean) {
    this.#hooks = hooks;
    this.#muted = muted;
  }

  /** Rejects with a MicrophoneError; then nothing is left open. */
  async start(deviceId: string | undefined): Promise<void> {
    try {
      const stream = await openStream(deviceId, this.#hooks.constraints);
      if (this.#over) return releaseStream(stream);
      this.#stream = stream;
      this.#context = new AudioContext();
      const capture = await this.#hooks.createCapture(this.#context);
      if (this.#over) return await capture.stop();
      this.#capture = capture;
      this.#cleanUp.push(keepRunning(this.#context, this.#hooks.onSuspended), this.#watchDevices());
      this.#use(stream, 'started');
    } catch (error) {
      await this.stop();
      throw toMicrophoneError(error);
    }
  }

  /** Rejects, and goes on with the device it has, where the new one cannot be opened. */
  change(deviceId: string | undefined, reason: 'chosen' | 'lost'): Promise<void> {
    const change = this.#changes.then(async () => {
      if (this.#over) return;
      const stream = await openStream(deviceId, this.#hooks.constraints);
      if (this.#over) return releaseStream(stream);
      const former = this.#stream;
      this.#use(stream, reason);
      releaseStream(former);
    });
    this.#changes = change.catch(() => undefined);
    return change;
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const track of this.#stream?.getTracks() ?? []) track.enabled = !muted;
  }

  async stop(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    for (const cleanUp of this.#cleanUp) cleanUp();
    await this.#capture?.stop();
    releaseStream(this.#stream);
    await this.#context?.close();
  }

  #use(stream: MediaStream, reason: 'started' | 'chosen' | 'lost'): void {
    this.#stream = stream;
    this.setMuted(this.#muted);
    this.#capture?.connect(stream);
    // It ends by itself where the device is unplugged, or the permission is taken back.
    for (const track of stream.getTracks()) {
      track.addEventListener('ended', () => {
        if (this.#stream === stream) this.#fallOver();
      });
    }
    this.#hooks.onDevice(deviceOf(stream), reason);
  }

  /** To the default device. */
  #fallOver(): void {
    if (this.#over) return;
    releaseStream(this.#stream);
    this.#stream = undefined;
    this.change(undefined, 'lost').catch((error) => this.#hooks.onError(error));
  }

  #watchDevices(): () => void {
    const devices = mediaDevices();
    const changed = async (): Promise<void> => {
      this.#hooks.onDevices();
      const current = this.#stream && deviceOf(this.#stream).id;
      const list = await listDevices();
      // Not every browser ends the track of a device that is gone.
      const gone = current === undefined || (current !== '' && !list.some(({ id }) => id === current));
      if (gone && list.length > 0) this.#fallOver();
    };
    const listener = (): void => void changed().catch(() => undefined);
    devices?.addEventListener('devicechange', listener);
    return () => devices?.removeEventListener('devicechange', listener);
  }
}
