import { type RawData, WebSocket } from 'ws';
import type { Clock } from '../../contracts/clock.js';
import type { RequestOutcome } from './journal-types.js';
import type { LiveFault, LiveFaultKind } from './live-faults.js';
import { createOutbox } from './live-outbox.js';
import type { ServerMessage } from './server-message.js';

/** What a live stream needs of its WebSocket. */
export interface LiveSocket {
  /** Replaces what listened before. */
  listen(listener: LiveSocketListener): void;
  send(message: ServerMessage): void;
  /** Without a code the close frame is empty: the client sees 1005. */
  close(code?: number, reason?: string): void;
  /** Tells that the recognizer heard words, and whether the last one had not ended yet. */
  heard(isMidWord: boolean): void;
}

export interface LiveSocketListener {
  readonly onMessage: (bytes: Uint8Array, isBinary: boolean) => void;
  readonly onPing: () => void;
  readonly onClose: (code: number) => void;
}

/** What the journal learns of the socket. */
export interface LiveSocketRecord {
  /** A fault has struck. It may come more than once for the same. */
  onFault(kind: LiveFaultKind): void;
  onEnd(outcome: RequestOutcome): void;
}

type TimedFault = Extract<
  LiveFault,
  { kind: 'drop' | 'close' | 'halfOpen' | 'stopReading' | 'invalidJson' | 'unknownMessage' }
>;

const DEFAULT_REASONS: Readonly<Record<number, string>> = {
  1008: 'DATA-0000: the audio could not be decoded. See https://dpgr.am/data0000',
  1011: 'NET-0000: no transcript within the timeout. See https://dpgr.am/net0000',
};

/** A WebSocket on which the faults happen that were set for it. */
export function createLiveSocket(
  socket: WebSocket,
  faults: readonly LiveFault[],
  clock: Clock,
  record: LiveSocketRecord,
): LiveSocket {
  const waiting = new Set(faults.filter(isTimed));
  const outbox = createOutbox(faults, clock, {
    send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
    close: (code, reason) => end('answered', () => closeWith(socket, code, reason)),
    onFault: record.onFault,
  });
  let outcome: RequestOutcome = 'abandoned';
  let listener: LiveSocketListener | undefined;
  let audioBytes = 0;
  let isDeaf = false;
  let isMute = false;

  /** Counts only if the client has not ended the stream before. */
  function end(by: RequestOutcome, action: () => void): void {
    if (socket.readyState === WebSocket.OPEN) outcome = by;
    action();
  }

  function strikeWhere(isTime: (at: NonNullable<TimedFault['at']>) => boolean): void {
    for (const fault of waiting) {
      if (!isTime(fault.at ?? 'open')) continue;
      waiting.delete(fault);
      strike(fault);
    }
  }

  function strike(fault: TimedFault): void {
    // Behind a fault that ended the stream, or silenced it, nothing more can happen to it.
    if (isMute || socket.readyState !== WebSocket.OPEN) return;
    record.onFault(fault.kind);
    switch (fault.kind) {
      case 'drop':
        end('broken', () => socket.terminate());
        break;
      case 'close':
        end('broken', () => closeWith(socket, fault.code, fault.reason ?? DEFAULT_REASONS[fault.code] ?? ''));
        break;
      case 'halfOpen':
        isMute = true;
        outbox.mute();
        stopReading();
        break;
      case 'stopReading':
        stopReading();
        break;
      case 'invalidJson':
        socket.send(fault.text ?? '{"type":"Results",');
        break;
      case 'unknownMessage':
        socket.send(JSON.stringify(fault.message ?? { type: 'Novelty' }));
        break;
    }
  }

  function stopReading(): void {
    isDeaf = true;
    socket.pause();
  }

  socket.on('message', (data, isBinary) => {
    if (isDeaf) return;
    const bytes = toBytes(data);
    if (!isBinary && isCloseStream(bytes)) outbox.release();
    if (isBinary) {
      audioBytes += bytes.byteLength;
      strikeWhere((at) => typeof at === 'object' && audioBytes >= at.audioBytes);
      if (isDeaf || socket.readyState !== WebSocket.OPEN) return;
    }
    listener?.onMessage(bytes, isBinary);
  });
  socket.on('ping', () => listener?.onPing());
  // A broken connection is also closed: 'close' follows.
  socket.on('error', () => {});
  socket.on('close', (code) => {
    outbox.mute();
    listener?.onClose(code);
    record.onEnd(outcome);
  });

  return {
    listen(next) {
      listener = next;
      strikeWhere((at) => at === 'open');
    },
    send: (message) => outbox.send(message),
    close(code, reason) {
      // A server that has stopped reading does not end the stream by itself either.
      if (!isDeaf) outbox.close(code, reason);
    },
    heard(isMidWord) {
      if (isMidWord) strikeWhere((at) => at === 'midWord');
    },
  };
}

function isCloseStream(bytes: Uint8Array): boolean {
  return /"type"\s*:\s*"CloseStream"/.test(Buffer.from(bytes).toString('utf8'));
}

function isTimed(fault: LiveFault): fault is TimedFault {
  return ['drop', 'close', 'halfOpen', 'stopReading', 'invalidJson', 'unknownMessage'].includes(fault.kind);
}

function closeWith(socket: WebSocket, code: number | undefined, reason = ''): void {
  if (code === undefined || code === 1005) socket.close();
  else socket.close(code, reason);
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
