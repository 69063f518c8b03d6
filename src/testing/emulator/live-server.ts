import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../contracts/clock.js';
import type { Recognizer } from '../recognizer.js';
import { Refusal } from './answer.js';
import type { AccessControl } from './auth.js';
import type { EmulatorFaultBook } from './emulator-faults.js';
import { FluxConnection } from './flux-connection.js';
import { type AcceptedHandshake, checkHandshake, chooseProtocol, refuseHandshake } from './handshake.js';
import type { OpenRequest, RequestEntry } from './journal.js';
import { LiveConnection } from './live-connection.js';
import type { LiveFault, LiveFaultKind } from './live-faults.js';
import { createLiveSocket } from './live-socket.js';
import type { ResolvedLiveOptions } from './options.js';
import { Slots } from './slots.js';

export interface LiveServerOptions {
  readonly access: AccessControl;
  readonly models: readonly string[] | undefined;
  readonly recognizer: Recognizer;
  readonly live: ResolvedLiveOptions;
  readonly clock: Clock;
  readonly faults: EmulatorFaultBook['live'];
}

/** The WebSocket side of the emulator: `/v1/listen` and `/v2/listen`. */
export interface LiveServer {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, open: OpenRequest): void;
  /** Breaks all streams, those included whose handshake is under way. Resolves when nothing of them is left. */
  terminate(): Promise<void>;
}

const DEFAULT_MESSAGES: Readonly<Record<number, readonly [code: string, message: string]>> = {
  401: ['INVALID_AUTH', 'Invalid credentials.'],
  402: ['ASR_PAYMENT_REQUIRED', 'Project does not have enough credits for an ASR request.'],
  403: ['INSUFFICIENT_PERMISSIONS', 'User does not have sufficient permissions.'],
  429: ['TOO_MANY_REQUESTS', 'Too many requests. Please try again later.'],
  503: ['SERVICE_UNAVAILABLE', 'The service is saturated.'],
};

export function createLiveServer(options: LiveServerOptions): LiveServer {
  const { access, models, recognizer, live: settings, clock, faults: faultBook } = options;
  const server = new WebSocketServer({ noServer: true, handleProtocols: chooseProtocol });
  const requestIds = new WeakMap<IncomingMessage, string>();
  const opening = new Set<Duplex>();
  const running = new Set<Promise<void>>();
  const slots = new Slots(settings.maxConcurrent);
  server.on('headers', (headers, request) => headers.push(`dg-request-id: ${requestIds.get(request) ?? ''}`));

  /** Returns what is to be called when the stream has ended. */
  function track(): () => void {
    let finish = (): void => {};
    const ended = new Promise<void>((resolve) => {
      finish = resolve;
    });
    running.add(ended);
    void ended.then(() => running.delete(ended));
    return finish;
  }

  function start(
    webSocket: WebSocket,
    handshake: AcceptedHandshake,
    faults: readonly LiveFault[],
    { entry, end }: OpenRequest,
    finish: () => void,
  ): void {
    entry.status = 101;
    const socket = createLiveSocket(webSocket, faults, clock, {
      onFault: (kind) => noteFault(entry, kind),
      onEnd: (outcome) => {
        end(outcome);
        finish();
      },
    });
    const stream = { recognizer, settings, clock, entry };
    if (handshake.kind === 'flux') new FluxConnection(socket, handshake.parameters, stream);
    else new LiveConnection(socket, handshake, stream);
  }

  return {
    upgrade(request, socket, head, open) {
      const { entry } = open;
      requestIds.set(request, entry.requestId);
      opening.add(socket);
      const finish = track();
      socket.once('close', () => {
        opening.delete(socket);
        // An open stream tells itself how it ended.
        if (entry.status === 101) return;
        open.end(entry.status === undefined ? 'abandoned' : 'answered');
        finish();
      });
      socket.on('error', () => socket.destroy());
      let faults: readonly LiveFault[] = [];
      try {
        faults = faultBook.choose(entry) ?? [];
      } catch (error) {
        // A rule may fail: its `when` is the test's own code.
        return refuse(error);
      }
      function refuse(error: unknown): void {
        entry.status = refuseHandshake(socket, error, entry.requestId).status;
      }
      function answer(): void {
        try {
          refuseByFault(faults, entry);
          const handshake = checkHandshake(request, access, models);
          slots.take();
          socket.once('close', () => slots.free());
          server.handleUpgrade(request, socket, head, (webSocket) => {
            opening.delete(socket);
            start(webSocket, handshake, faults, open, finish);
          });
        } catch (error) {
          refuse(error);
        }
      }
      const slow = faults.find((fault) => fault.kind === 'slowOpen');
      if (!slow) return answer();
      noteFault(entry, 'slowOpen');
      const leave = () => socket.destroy();
      const timer = clock.setTimer(() => {
        socket.off('end', leave);
        answer();
      }, slow.ms);
      socket.once('close', () => timer.cancel());
      // Only who reads notices that a client has left. Before the answer a client sends nothing else.
      socket.once('end', leave).resume();
    },
    async terminate() {
      for (const client of server.clients) client.terminate();
      for (const socket of opening) socket.destroy();
      await Promise.all(running);
    },
  };
}

/** @throws Refusal if the handshake is to fail */
function refuseByFault(faults: readonly LiveFault[], entry: RequestEntry): void {
  const fault = faults.find((each) => each.kind === 'handshake');
  if (!fault) return;
  noteFault(entry, fault.kind);
  const [code, message] = DEFAULT_MESSAGES[fault.status] ?? [
    fault.status < 500 ? 'Bad Request' : 'INTERNAL_SERVER_ERROR',
    'The handshake failed.',
  ];
  const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  throw new Refusal(fault.status, code, fault.message ?? message, headers);
}

function noteFault({ faults }: RequestEntry, kind: LiveFaultKind): void {
  if (!faults.includes(kind)) faults.push(kind);
}
