import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { bytesOf } from '../../internal/bytes.js';
import { show } from '../../internal/validate.js';
import { requireKeys, requireText } from '../check-options.js';
import { createApi } from './api.js';
import { checkHandshake, chooseProtocol, refuseHandshake } from './handshake.js';
import { answerHttp, type ServedAudio } from './http.js';
import { journalEntry, type ReceivedRequest, type RequestEntry } from './journal.js';
import { LiveConnection } from './live-connection.js';
import { deliverCallback, fetchLoopbackAudio } from './loopback.js';
import { type DeepgramEmulatorOptions, resolveOptions } from './options.js';

/** A running emulator of Deepgram's speech API. */
export interface DeepgramEmulator {
  /** Base URL of the REST API, such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Base URL of the live API, such as `ws://127.0.0.1:40123`. */
  readonly wsUrl: string;
  readonly port: number;
  /** All requests so far, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** Serves audio at a URL of the emulator, so that it can be transcribed by URL. Returns that URL. */
  serveAudio(bytes: Uint8Array, options?: ServeAudioOptions): string;
  /** Ends all connections, live streams and requests under way. May be called twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ServeAudioOptions {
  /** Default `audio/wav`. */
  readonly contentType?: string;
  /** Begins with a slash. Default: a new path under `/audio/`. */
  readonly path?: string;
}

/**
 * Starts an emulator of Deepgram's speech API: `POST /v1/listen`, live `/v1/listen` and
 * `POST /v1/auth/grant`. It answers only from the audio that it really received: a live stream's words
 * come from what has arrived so far, and audio that was lost on the way is missing or broken in them.
 * Where `Finalize` or `CloseStream` cut a word, what was heard of it is reported.
 *
 * URLs and callbacks are used only if they stay on this machine; a callback is delivered once.
 *
 * Rejects with a TypeError or RangeError for a wrong option, and with an Error that says so if the port is taken.
 */
export async function startDeepgramEmulator(
  options: DeepgramEmulatorOptions = {},
): Promise<DeepgramEmulator> {
  const resolved = resolveOptions(options);
  const closing = new AbortController();
  const requests: RequestEntry[] = [];
  const served = new Map<string, ServedAudio>();
  const api = createApi({ ...resolved, fetchAudio: fetchLoopbackAudio, deliverCallback });

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const entry = journalEntry(request, randomUUID());
    requests.push(entry);
    void answerHttp({ request, response, entry, api, served, closing: closing.signal });
  }

  const live = new WebSocketServer({ noServer: true, handleProtocols: chooseProtocol });
  const requestIds = new WeakMap<IncomingMessage, string>();
  live.on('headers', (headers, request) => headers.push(`dg-request-id: ${requestIds.get(request) ?? ''}`));

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const entry = journalEntry(request, randomUUID());
    requests.push(entry);
    requestIds.set(request, entry.requestId);
    socket.on('error', () => socket.destroy());
    try {
      const handshake = checkHandshake(request, api.access, resolved.models);
      live.handleUpgrade(request, socket, head, (webSocket) => {
        entry.status = 101;
        const { recognizer, live: settings } = resolved;
        new LiveConnection(webSocket, { handshake, recognizer, settings, entry });
      });
    } catch (error) {
      entry.status = refuseHandshake(socket, error, entry.requestId).status;
    }
  }

  const server = createServer(onRequest).on('upgrade', onUpgrade);
  await listen(server, resolved.port, resolved.host);
  const { port } = server.address() as AddressInfo;
  const authority = `${resolved.host.includes(':') ? `[${resolved.host}]` : resolved.host}:${port}`;
  let closed: Promise<void> | undefined;

  function close(): Promise<void> {
    closed ??= new Promise((resolve) => {
      closing.abort();
      for (const client of live.clients) client.terminate();
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closed;
  }

  return {
    url: `http://${authority}`,
    wsUrl: `ws://${authority}`,
    port,
    requests,
    serveAudio(bytes, options = {}) {
      const audio = bytesOf(bytes);
      if (audio === undefined) throw new TypeError(`bytes: must be a Uint8Array, got ${show(bytes)}`);
      requireKeys('the options of serveAudio()', options, ['contentType', 'path']);
      const { contentType = 'audio/wav', path = `/audio/${randomUUID()}` } = options;
      requireText('contentType', contentType);
      requireText('path', path);
      if (!path.startsWith('/')) throw new RangeError(`path must begin with a slash, not ${path}.`);
      served.set(path, { bytes: audio, contentType });
      return `http://${authority}${path}`;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
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
