import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { bytesOf } from '../../internal/bytes.js';
import { show } from '../../internal/validate.js';
import { requireKeys, requireText } from '../check-options.js';
import { createApi } from './api.js';
import { deliverWithRetries } from './callbacks.js';
import { createEmulatorFaults } from './emulator-faults.js';
import type { EmulatorFaults } from './faults.js';
import { answerHttp } from './http.js';
import { Journal } from './journal.js';
import type { EmulatorJournal, ReceivedRequest } from './journal-types.js';
import { createLiveServer } from './live-server.js';
import { fetchLoopbackAudio } from './loopback.js';
import { type DeepgramEmulatorOptions, resolveOptions } from './options.js';
import type { ServedAudio } from './served-audio.js';

/** A running emulator of Deepgram's speech API. */
export interface DeepgramEmulator {
  /** Base URL of the REST API, such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Base URL of the live API, such as `ws://127.0.0.1:40123`. */
  readonly wsUrl: string;
  readonly port: number;
  /** All requests so far, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** What the server's side saw. */
  readonly journal: EmulatorJournal;
  /** Makes HTTP requests fail, and with `faults.live` live streams. */
  readonly faults: EmulatorFaults;
  /**
   * Serves audio at a URL of the emulator, so that it can be transcribed by URL, and in parts, so that a browser can
   * play it from anywhere. Returns that URL.
   */
  serveAudio(bytes: Uint8Array, options?: ServeAudioOptions): string;
  /** Ends all connections, live streams and requests under way. No timer of theirs is left then. May be called twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ServeAudioOptions {
  /** Default `audio/wav`. */
  readonly contentType?: string;
  /** Begins with a slash, and may have a query, which is not compared. Default: a new path under `/audio/`. */
  readonly path?: string;
}

/**
 * Starts an emulator of Deepgram's speech API: `POST /v1/listen`, live `/v1/listen`, Flux `/v2/listen`,
 * `POST /v1/auth/grant` and `GET /v1/status`. It answers only from the audio that it really received: a live stream's words
 * come from what has arrived so far, and audio that was lost on the way is missing or broken in them.
 * Where `Finalize` or `CloseStream` cut a word, what was heard of it is reported.
 *
 * URLs and callbacks are used only if they stay on this machine. A callback that is not taken is tried
 * again after 30 seconds, up to ten times.
 *
 * Rejects with a TypeError or RangeError for a wrong option, and with an Error that says so if the port is taken.
 */
export async function startDeepgramEmulator(
  options: DeepgramEmulatorOptions = {},
): Promise<DeepgramEmulator> {
  const resolved = resolveOptions(options);
  const closing = new AbortController();
  const { clock } = resolved;
  const journal = new Journal(clock, resolved.region);
  const faults = createEmulatorFaults();
  const served = new Map<string, ServedAudio>();
  const api = createApi({
    ...resolved,
    closing: closing.signal,
    liveStreams: () => journal.live,
    fetchAudio: fetchLoopbackAudio,
    deliverCallback: (delivery, signal) =>
      deliverWithRetries(delivery, clock, (attempt) => journal.callbacks.push(attempt), signal),
  });
  const service = { journal, faults, api, clock, served, closing: closing.signal };

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    void answerHttp(request, response, service);
  }

  const live = createLiveServer({ ...resolved, access: api.access, faults: faults.live });

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    live.upgrade(request, socket, head, journal.open(request, 'webSocket'));
  }

  const server = createServer(onRequest).on('upgrade', onUpgrade);
  await listen(server, resolved.port, resolved.host);
  const { port } = server.address() as AddressInfo;
  const authority = `${reachableHost(resolved.host)}:${port}`;
  let closed: Promise<void> | undefined;

  function close(): Promise<void> {
    closed ??= endAll();
    return closed;
  }

  async function endAll(): Promise<void> {
    closing.abort();
    journal.breakAll();
    const streams = live.terminate();
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await Promise.all([streams, stopped]);
  }

  return {
    url: `http://${authority}`,
    wsUrl: `ws://${authority}`,
    port,
    requests: journal.requests,
    journal,
    faults,
    serveAudio(bytes, options = {}) {
      const audio = bytesOf(bytes);
      if (audio === undefined) throw new TypeError(`bytes: must be a Uint8Array, got ${show(bytes)}`);
      requireKeys('the options of serveAudio()', options, ['contentType', 'path']);
      const { contentType = 'audio/wav', path = `/audio/${randomUUID()}` } = options;
      requireText('contentType', contentType);
      requireText('path', path);
      if (!path.startsWith('/')) throw new RangeError(`path must begin with a slash, not ${path}.`);
      const url = new URL(`http://${authority}${path}`);
      served.set(url.pathname, { bytes: audio, contentType });
      return url.href;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Who listens everywhere is reached at the loopback address. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => reject(listenError(cause, port, host));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, port: number, host: string): Error {
  const reason =
    cause.code === 'EADDRINUSE'
      ? `The port ${port} is taken (EADDRINUSE). Leave port out, and the system chooses a free one.`
      : `The emulator cannot listen at ${host}, port ${port} (${cause.code ?? 'unknown error'}).`;
  return new Error(reason, { cause });
}
