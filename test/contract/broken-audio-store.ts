import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AudioStore } from '../../src/contracts/audio-store.js';
import { StorageError, UnsupportedSourceError } from '../../src/errors/index.js';
import { raceAbort, throwIfAborted } from '../../src/internal/abort.js';
import { createId } from '../../src/internal/ids.js';
import { isIsoTime } from '../../src/internal/iso-time.js';
import type { AudioStoreContractOptions } from '../../src/testing/contract/audio-store.js';

interface Kept {
  readonly bytes: Uint8Array;
  readonly putAtMs: number;
}

/** What the stores on the same audio share: it takes the place of a server. */
export class AudioBackend {
  readonly kept = new Map<string, Kept>();
  #server: Promise<Server> | undefined;

  find(ref: string): Kept {
    const kept = this.kept.get(ref);
    if (kept === undefined) throw new StorageError('No such audio.', { code: 'audio_not_found' });
    return kept;
  }

  keep(bytes: Uint8Array): string {
    const ref = createId('aud');
    this.kept.set(ref, { bytes, putAtMs: Date.now() });
    return ref;
  }

  async url(ref: string): Promise<string> {
    this.find(ref);
    this.#server ??= this.#serve();
    const { port } = (await this.#server).address() as AddressInfo;
    return `http://127.0.0.1:${port}/${ref}`;
  }

  async close(): Promise<void> {
    const server = await this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  async #serve(): Promise<Server> {
    const server = createServer((request, response) => {
      const kept = this.kept.get((request.url ?? '').slice(1));
      response.writeHead(kept === undefined ? 404 : 200).end(kept?.bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }
}

export type Audio = AsyncIterable<Uint8Array>;

/** All of the audio, in copies. */
export async function collect(audio: Audio, signal?: AbortSignal): Promise<Uint8Array> {
  throwIfAborted(signal);
  const iterator = audio[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  try {
    for (;;) {
      const step = await raceAbort(iterator.next(), signal);
      if (step.done) break;
      chunks.push(Uint8Array.from(step.value));
    }
  } catch (error) {
    void iterator.return?.();
    throw error;
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.byteLength === 0) throw new UnsupportedSourceError('No audio.', { code: 'empty_source' });
  return bytes;
}

const PIECE = 64 * 1024;

export async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += PIECE)
    yield bytes.subarray(offset, offset + PIECE);
}

export type CompleteStore = Required<AudioStore>;

/** A sound store in memory, with all members and capabilities. */
function openStore(backend: AudioBackend): CompleteStore {
  return {
    capabilities: { shared: true, durable: true },
    async put(audio, { signal } = {}) {
      const bytes = await collect(audio, signal);
      return { ref: backend.keep(bytes), sizeBytes: bytes.byteLength };
    },
    async open(ref) {
      const { bytes } = backend.find(ref);
      return { chunks: piecesOf(bytes), sizeBytes: bytes.byteLength, close: async () => undefined };
    },
    delete: async (ref) => backend.kept.delete(ref),
    url: (ref) => backend.url(ref),
    async purge(query) {
      const createdBefore: unknown = query?.createdBefore;
      if (!isIsoTime(createdBefore)) throw new StorageError('No time.', { code: 'invalid_option' });
      const old = [...backend.kept].filter(([, { putAtMs }]) => putAtMs < Date.parse(createdBefore));
      for (const [ref] of old) backend.kept.delete(ref);
      return old.length;
    },
    health: async () => undefined,
    close: () => backend.close(),
  };
}

type Change = (inner: CompleteStore, backend: AudioBackend) => Partial<AudioStore>;

const capabilities = { shared: true, durable: true };

/** A store that does what a sound one does but for the changes. */
export function broken(change: Change = () => ({})): AudioStoreContractOptions {
  const backends = new WeakMap<AudioStore, AudioBackend>();
  const open = (backend: AudioBackend): AudioStore => {
    const inner = openStore(backend);
    const store = { ...inner, ...change(inner, backend) };
    backends.set(store, backend);
    return store;
  };
  return {
    capabilities,
    members: ['url', 'purge', 'health'],
    create: () => open(new AudioBackend()),
    reopen: (first) => open(backends.get(first) ?? new AudioBackend()),
  };
}
