import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

const BODIES: Readonly<Record<number, string>> = {
  400: 'A WebSocket with the subprotocol transcription.v1 is expected here.',
  401: 'Not authorized.',
  403: 'This origin may not connect.',
  404: 'There is nothing here.',
  429: 'Too many sessions.',
  500: 'The request could not be handled.',
  503: 'Try again later.',
};

/** Seconds until it is worth another attempt. */
const RETRY_AFTER = 5;

/** Answers an upgrade with an HTTP error, and ends its socket. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  const body = `${BODIES[status] ?? ''}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 429 || status === 503 ? [`Retry-After: ${RETRY_AFTER}`] : []),
  ];
  // Who has gone already must not end the process, and who does not read the answer must not keep the socket.
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
