import { createHash } from 'node:crypto';

export interface ModelInfo {
  readonly uuid: string;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

/** What an answer says of the diarizer. */
export function diarizeInfo(arch: 'v1' | 'v2'): { model_uuid: string; arch: string } {
  return { model_uuid: modelInfo(`diarize-${arch}`).uuid, arch };
}

/** The same model always has the same id. */
export function modelInfo(model: string): ModelInfo {
  const hash = createHash('sha256').update(model).digest('hex');
  const uuid = [hash.slice(0, 8), hash.slice(8, 12), `4${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`];
  return {
    uuid: `${uuid.join('-')}-${hash.slice(20, 32)}`,
    name: model,
    version: '2026-01-01.0',
    arch: /^(nova|flux|whisper)(-\d)?/.exec(model)?.[0] ?? model.split('-')[0] ?? model,
  };
}
