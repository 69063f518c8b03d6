import { TranscriptionError } from '../errors/index.js';
import { checkNumber } from '../internal/validate.js';
import { Emitter, reportLater } from './emitter.js';
import { createError, notLoadedError } from './errors.js';
import type { Level } from './level-meter.js';
import type { MicrophoneDevice } from './microphone-devices.js';
import type { MicrophoneFault } from './microphone-errors.js';
import type { MicrophoneSession, MicrophoneSessionHooks, MicrophoneSettings } from './microphone-session.js';
import { MICROPHONE_WORKLET, WORKLET_NAME } from './microphone-worklet.js';

export interface MicrophoneOptions {
  /** Samples a second, 8000 to 48000. Default 16000. */
  sampleRate?: number;
  /** Milliseconds of audio in a chunk, 20 to 250. Default 80. */
  frameMs?: number;
  /** One of `devices()`. Default: the browser's default. */
  deviceId?: string;
  /** Where MICROPHONE_WORKLET is served, for pages whose Content-Security-Policy forbids `blob:`. */
  workletUrl?: string;
  /** Further wishes, such as `{ noiseSuppression: false }`. Default: the browser's own. */
  constraints?: MediaTrackConstraints;
  /**
   * `pcm`: raw audio. `recorder`: compressed audio in a container, by MediaRecorder. Default: `pcm` where the browser has
   * audio worklets.
   */
  capture?: 'pcm' | 'recorder';
  /** Gets every chunk. The loop over the microphone gets them too. */
  onAudio?: (chunk: Uint8Array) => void;
}

export type MicrophoneState = 'stopped' | 'starting' | 'recording' | 'suspended';

export type MicrophoneEvent =
  | { readonly type: 'state'; readonly state: MicrophoneState }
  /** About 20 times a second. */
  | ({ readonly type: 'level' } & Level)
  /** What is recorded now. `lost`: the device before was unplugged, and the default one took its place. */
  | {
      readonly type: 'device';
      readonly device: MicrophoneDevice;
      readonly reason: 'started' | 'chosen' | 'lost';
    }
  /** Devices were plugged in or out: `devices()` is worth another look. */
  | { readonly type: 'devices' }
  /** The device was lost and none took its place. Silence is sent until one is plugged in. */
  | { readonly type: 'error'; readonly error: TranscriptionError };

export type MicrophoneEventOf<Type extends MicrophoneEvent['type']> = Extract<
  MicrophoneEvent,
  { type: Type }
>;

/** What `stream()` has to be told of the audio. Empty where it comes in a container. */
export interface MicrophoneFormat {
  readonly encoding?: 'linear16';
  readonly sample_rate?: number;
  readonly channels?: number;
}

const DEFAULT_RATE = 16_000;

/** Unread bytes at which a loop has been given up by its reader. */
const MAX_UNREAD = 4 * 1024 * 1024;

/** A microphone. Nothing is asked of the user before `start()`. Throws a BadRequestError for a wrong option. */
export function createMicrophone(options: MicrophoneOptions = {}): Microphone {
  checkNumber('sampleRate', options.sampleRate, { min: 8000, max: 48000 });
  checkNumber('frameMs', options.frameMs, { min: 20, max: 250 });
  return new Microphone({ ...options });
}

/** Each loop over it gets the chunks from then on, until `stop()`. */
export class Microphone implements AsyncIterable<Uint8Array> {
  readonly #options: MicrophoneOptions;
  readonly #emitter = new Emitter<MicrophoneEvent>();
  readonly #loops = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #session: MicrophoneSession | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<unknown> = Promise.resolve();
  /** Another one for each start. */
  #attempt: object | undefined;
  #state: MicrophoneState = 'stopped';
  #muted = false;
  #level: Level = { rms: 0, peak: 0 };

  /** @internal Use `createMicrophone()`. */
  constructor(options: MicrophoneOptions) {
    this.#options = options;
  }

  get state(): MicrophoneState {
    return this.#state;
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** The last level that was measured. */
  get level(): Level {
    return this.#level;
  }

  /** Options for the live client that fit the audio. */
  get format(): MicrophoneFormat {
    if (!this.#usesWorklet) return {};
    return { encoding: 'linear16', sample_rate: this.#options.sampleRate ?? DEFAULT_RATE, channels: 1 };
  }

  /**
   * Asks the user where they have not been asked, and records. Settles when it does. Rejects with a TranscriptionError
   * of a MicrophoneErrorCode, or with code `aborted` where `stop()` came first.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Lets go of the microphone. The last chunks have been handed out when it settles. May be started again. */
  async stop(): Promise<void> {
    const session = this.#session;
    this.#session = this.#starting = this.#attempt = undefined;
    this.#stopping = Promise.all([this.#stopping, session?.stop()]);
    await this.#stopping;
    // It may have been started again meanwhile.
    if (this.#attempt === undefined) this.#ended();
  }

  /** Silence is sent instead, so that time goes on. */
  mute(): void {
    this.#setMuted(true);
  }

  unmute(): void {
    this.#setMuted(false);
  }

  /** The microphones there are. Their names are empty until the user has allowed one. */
  async devices(): Promise<MicrophoneDevice[]> {
    return (await loadSession()).listDevices();
  }

  /** Changes the device, also while it records. Undefined: the default one. Rejects as `start()` does. */
  async setDevice(id: string | undefined): Promise<void> {
    await this.#session?.change(id, 'chosen').catch(rethrow);
    if (id === undefined) delete this.#options.deviceId;
    else this.#options.deviceId = id;
  }

  on<Type extends MicrophoneEvent['type']>(
    type: Type,
    listener: (event: MicrophoneEventOf<Type>) => void,
  ): this {
    this.#emitter.on(type, listener);
    return this;
  }

  off<Type extends MicrophoneEvent['type']>(
    type: Type,
    listener: (event: MicrophoneEventOf<Type>) => void,
  ): this {
    this.#emitter.off(type, listener);
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    let loop: ReadableStreamDefaultController<Uint8Array> | undefined;
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          loop = controller;
          this.#loops.add(controller);
        },
        cancel: () => {
          if (loop !== undefined) this.#loops.delete(loop);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD }),
    );
    const reader = stream.getReader();
    return {
      next: () => reader.read() as Promise<IteratorResult<Uint8Array>>,
      return: async () => {
        await reader.cancel();
        return { done: true, value: undefined };
      },
    };
  }

  get #usesWorklet(): boolean {
    return (this.#options.capture ?? ('AudioWorkletNode' in globalThis ? 'pcm' : 'recorder')) === 'pcm';
  }

  async #start(): Promise<void> {
    const attempt = {};
    this.#attempt = attempt;
    this.#enter('starting');
    try {
      const { MicrophoneSession } = await loadSession();
      if (this.#attempt === attempt) {
        this.#session = new MicrophoneSession(this.#settings(), this.#hooks(attempt), this.#muted);
        await this.#session.start(this.#options.deviceId).catch(rethrow);
      }
    } catch (error) {
      if (this.#attempt === attempt) {
        await this.stop();
        throw error;
      }
    }
    if (this.#attempt !== attempt) {
      throw createError('AbortedError', 'The microphone was stopped before it had started.', {
        code: 'aborted',
      });
    }
    if (this.#state === 'starting') this.#enter('recording');
  }

  #settings(): MicrophoneSettings {
    const { constraints = {}, sampleRate = DEFAULT_RATE, frameMs = 80, workletUrl } = this.#options;
    const worklet = { name: WORKLET_NAME, code: MICROPHONE_WORKLET, url: workletUrl };
    return { constraints, sampleRate, frameMs, worklet: this.#usesWorklet ? worklet : undefined };
  }

  #hooks(attempt: object): MicrophoneSessionHooks {
    return {
      levelsPerSecond: 20,
      onAudio: (chunk) => this.#handOut(chunk),
      onLevel: (level) => {
        this.#level = level;
        this.#emitter.emit({ type: 'level', ...level });
      },
      onDevice: (device, reason) => this.#emitter.emit({ type: 'device', device, reason }),
      onDevices: () => this.#emitter.emit({ type: 'devices' }),
      onSuspended: (suspended) => {
        if (this.#attempt === attempt) this.#enter(suspended ? 'suspended' : 'recording');
      },
      onError: (fault) => this.#emitter.emit({ type: 'error', error: toError(fault) }),
    };
  }

  #handOut(chunk: Uint8Array): void {
    for (const loop of this.#loops) {
      loop.enqueue(chunk);
      if ((loop.desiredSize ?? 0) >= 0) continue;
      this.#loops.delete(loop);
      loop.error(
        new TranscriptionError('The loop over the microphone is 4 MiB behind. Read faster.', {
          code: 'payload_too_large',
        }),
      );
    }
    try {
      this.#options.onAudio?.(chunk);
    } catch (error) {
      reportLater(error);
    }
  }

  #setMuted(muted: boolean): void {
    this.#muted = muted;
    this.#session?.setMuted(muted);
  }

  #ended(): void {
    for (const loop of this.#loops) loop.close();
    this.#loops.clear();
    this.#level = { rms: 0, peak: 0 };
    this.#enter('stopped');
  }

  #enter(state: MicrophoneState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit({ type: 'state', state });
  }
}

/** Most of the microphone's code is loaded when it is needed. */
const loadSession = () =>
  import('./microphone-session.js').catch((cause) => {
    throw notLoadedError(cause);
  });

function toError({ message, code, cause }: MicrophoneFault): TranscriptionError {
  return new TranscriptionError(message, { code, cause });
}

function rethrow(fault: MicrophoneFault): never {
  throw toError(fault);
}
