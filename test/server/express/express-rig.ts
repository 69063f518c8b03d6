import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import type { TranscriptionClient } from 'transcription-client';
import { createRouter, type RouterOptions } from 'transcription-client/express';
import { type DeepgramEmulator, startDeepgramEmulator, synthesizeSpeech } from 'transcription-client/testing';
import { clientOf } from '../../support/client.js';
import { installTemporarily } from '../runtimes/temporary-package.js';

export interface ExpressRig extends AsyncDisposable {
  readonly client: TranscriptionClient;
  readonly emulator: DeepgramEmulator;
  readonly port: number;
  /** Of the server, without the path of the router. */
  readonly url: string;
  /** A request of ada's. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export interface Mounting {
  readonly app: Express;
  readonly express: typeof express;
  readonly router: (options?: Partial<RouterOptions>) => ReturnType<typeof createRouter>;
}

export const authorizeByToken: RouterOptions['authorize'] = (request) => {
  const userId = /^Bearer (\w+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  return userId === undefined ? null : { userId };
};

/** Express 4 comes from the registry; undefined where it cannot. */
export async function loadExpress(
  major: 4 | 5,
): Promise<{ create: typeof express; dispose(): void } | undefined> {
  if (major === 5) return { create: express, dispose: () => undefined };
  const found = await installTemporarily('express', '4.22.1');
  if (found === undefined) return undefined;
  return { create: createRequire(import.meta.url)(found.path) as typeof express, dispose: found.dispose };
}

/** A real client on the emulator, behind a real Express. By default the router is at `/api/speech`. */
export async function startExpressRig(
  create: typeof express,
  mount: (mounting: Mounting) => void = ({ app, router }) => void app.use('/api/speech', router()),
): Promise<ExpressRig> {
  const emulator = await startDeepgramEmulator();
  const client = clientOf(emulator.url);
  const app = create();
  mount({
    app,
    express: create,
    router: (options) => createRouter(client, { authorize: authorizeByToken, ...options }),
  });
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    client,
    emulator,
    port,
    url,
    fetch: (path, init = {}) => {
      const headers = { authorization: 'Bearer ada', ...Object.fromEntries(new Headers(init.headers)) };
      return fetch(url + path, { ...init, headers });
    },
    async [Symbol.asyncDispose]() {
      await close(server);
      await client.close({ timeoutMs: 0 });
      await emulator.close();
    },
  };
}

function close(server: Server): Promise<unknown> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  return closed;
}

/** A recording that the emulator serves, so that Deepgram can fetch it. */
export function recordingUrl(emulator: DeepgramEmulator, text: string): string {
  return emulator.serveAudio(synthesizeSpeech(text).audio);
}
