import type { Recognizer } from '../recognizer.js';
import { syntheticSpeechRecognizer } from '../speech/index.js';

export interface DeepgramEmulatorOptions {
  /** Default 0: the system chooses a free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Hears the words in the audio. Default `syntheticSpeechRecognizer`, which reads what `synthesizeSpeech` says. */
  readonly recognizer?: Recognizer;
  /** The API keys that pass. Default: any key and any token passes. */
  readonly apiKeys?: readonly string[];
  /** The models that exist. Default: all. */
  readonly models?: readonly string[];
  /** Milliseconds until a pre-recorded request is answered. Default 0. */
  readonly processingMs?: number;
  readonly live?: LiveOptions;
}

export interface LiveOptions {
  /** Milliseconds of audio between two looks at it, and so between two interim results. Default 300. */
  readonly interimIntervalMs?: number;
  /** Pause in milliseconds that ends an utterance. The query parameter `endpointing` overrides it. Default 300. */
  readonly endpointingMs?: number;
  /** An utterance longer than this is reported in several finals. Default 5. */
  readonly maxSegmentSeconds?: number;
  /** A stream without audio or KeepAlive for so many milliseconds is closed with NET-0001. Default 10000. */
  readonly idleTimeoutMs?: number;
}

export type ResolvedLiveOptions = Required<LiveOptions>;

export interface ResolvedOptions {
  readonly port: number;
  readonly host: string;
  readonly recognizer: Recognizer;
  readonly apiKeys: readonly string[] | undefined;
  readonly models: readonly string[] | undefined;
  readonly processingMs: number;
  readonly live: ResolvedLiveOptions;
}

/** Throws a RangeError that names the option, the bound and the value. */
export function resolveOptions(options: DeepgramEmulatorOptions): ResolvedOptions {
  const live = options.live ?? {};
  return {
    port: atLeast('port', options.port ?? 0, 0),
    host: options.host ?? '127.0.0.1',
    recognizer: options.recognizer ?? syntheticSpeechRecognizer,
    apiKeys: options.apiKeys,
    models: options.models,
    processingMs: atLeast('processingMs', options.processingMs ?? 0, 0),
    live: {
      interimIntervalMs: atLeast('live.interimIntervalMs', live.interimIntervalMs ?? 300, 1),
      endpointingMs: atLeast('live.endpointingMs', live.endpointingMs ?? 300, 0),
      maxSegmentSeconds: atLeast('live.maxSegmentSeconds', live.maxSegmentSeconds ?? 5, 0.5),
      idleTimeoutMs: atLeast('live.idleTimeoutMs', live.idleTimeoutMs ?? 10_000, 1),
    },
  };
}

function atLeast(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new RangeError(`${name} must be a number of at least ${least}, not ${value}.`);
}
