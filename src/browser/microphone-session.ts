import { keepRunning } from './audio-context.js';
import type { Capture, CaptureHooks } from './capture.js';
import { deviceOf, openStream, releaseStream } from './media-stream.js';
import { listDevices, type MicrophoneDevice, mediaDevices } from './microphone-devices.js';
import { type MicrophoneFault, toFault, unsupported } from './microphone-errors.js';
import { createPcmCapture } from './pcm-capture.js';
import { createRecorderCapture } from './recorder-capture.js';
import { createWorkletNode, type Worklet } from './worklet-node.js';

export { listDevices };

export interface MicrophoneSettings {
  readonly constraints: MediaTrackConstraints;
  /** Undefined: the browser's recorder is used. */
  readonly worklet: Worklet | undefined;
  readonly sampleRate: number;
  readonly frameMs: number;
}

export interface MicrophoneSessionHooks extends CaptureHooks {
  onDevice(device: MicrophoneDevice, reason: 'started' | 'chosen' | 'lost'): void;
  onDevices(): void;
  onSuspended(suspended: boolean): void;
  onError(fault: MicrophoneFault): void;
}

/** A microphone between its start and its stop. This module, and what it imports, is loaded when it is needed. */
export class MicrophoneSession {
  readonly #settings: MicrophoneSettings;
  readonly #hooks: MicrophoneSessionHooks;
  #context: AudioContext | undefined;
  #capture: Capture | undefined;
  #stream: MediaStream | undefined;
  #muted: boolean;
  #over = false;
  /** A lost device is told by more than one event. */
  #isFallingOver = false;
  /** Changes of the device follow one another. */
  #changes: Promise<unknown> = Promise.resolve();
  #cleanUp: (() => void)[] = [];

  constructor(settings: MicrophoneSettings, hooks: MicrophoneSessionHooks, muted: boolean) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.#muted = muted;
  }

  /** Rejects with a MicrophoneFault; then nothing is left open. */
  async start(deviceId: string | undefined): Promise<void> {
    try {
      this.#checkSupport();
      const stream = await openStream(deviceId, this.#settings.constraints);
      if (this.#over) return releaseStream(stream);
      this.#stream = stream;
      this.#context = new AudioContext();
      const capture = await this.#createCapture(this.#context);
      if (this.#over) return await capture.stop();
      this.#capture = capture;
      this.#cleanUp.push(keepRunning(this.#context, this.#hooks.onSuspended), this.#watchDevices());
      this.#use(stream, 'started');
    } catch (error) {
      await this.stop();
      throw toFault(error);
    }
  }

  /** Rejects with a MicrophoneFault, and goes on with the device it has, where the new one cannot be opened. */
  change(deviceId: string | undefined, reason: 'chosen' | 'lost'): Promise<void> {
    const change = this.#changes.then(async () => {
      if (this.#over) return;
      const stream = await openStream(deviceId, this.#settings.constraints);
      if (this.#over) return releaseStream(stream);
      const former = this.#stream;
      this.#use(stream, reason);
      releaseStream(former);
    });
    this.#changes = change.catch(() => undefined);
    return change.catch((error) => {
      throw toFault(error);
    });
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const track of this.#stream?.getTracks() ?? []) track.enabled = !muted;
  }

  async stop(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    for (const cleanUp of this.#cleanUp) cleanUp();
    releaseStream(this.#stream);
    await this.#capture?.stop();
    await this.#context?.close();
  }

  #checkSupport(): void {
    const recorder = this.#settings.worklet === undefined ? 'MediaRecorder' : 'AudioWorkletNode';
    if (mediaDevices() === undefined || !(recorder in globalThis)) throw unsupported();
  }

  async #createCapture(context: AudioContext): Promise<Capture> {
    const { worklet, sampleRate, frameMs } = this.#settings;
    if (worklet === undefined) return createRecorderCapture(context, frameMs, this.#hooks);
    return createPcmCapture(await createWorkletNode(context, worklet), sampleRate, frameMs, this.#hooks);
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
    if (this.#over || this.#isFallingOver) return;
    this.#isFallingOver = true;
    releaseStream(this.#stream);
    this.#stream = undefined;
    this.change(undefined, 'lost')
      .catch((fault) => this.#hooks.onError(fault))
      .finally(() => {
        this.#isFallingOver = false;
      });
  }

  #watchDevices(): () => void {
    const devices = navigator.mediaDevices;
    const changed = async (): Promise<void> => {
      this.#hooks.onDevices();
      const current = this.#stream && deviceOf(this.#stream).id;
      const list = await listDevices();
      // Not every browser ends the track of a device that is gone.
      const gone = current === undefined || (current !== '' && !list.some(({ id }) => id === current));
      if (gone && list.length > 0) this.#fallOver();
    };
    const listener = (): void => void changed().catch(() => undefined);
    devices.addEventListener('devicechange', listener);
    return () => devices.removeEventListener('devicechange', listener);
  }
}
