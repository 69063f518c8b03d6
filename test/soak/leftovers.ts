import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { expect } from 'vitest';

/** The far ends of connections take a moment to notice that they are over. */
const SETTLE_MS = 3000;
const CHANNEL = 'net.client.socket';

/** What this process opens from now on. */
export class Leftovers implements Disposable {
  readonly #before = openHandles();
  readonly #sockets = new Set<Socket>();
  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    // The fault proxy's own connections can be half open, those of a client never.
    if (socket.allowHalfOpen) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };

  constructor() {
    subscribe(CHANNEL, this.#onSocket);
  }

  /** Fails unless a client that was closed lets go of its sockets within a moment, whatever its servers do. */
  async expectNoClientSockets(): Promise<void> {
    await expect.poll(() => this.#sockets.size, { timeout: SETTLE_MS }).toBe(0);
  }

  /** Fails unless all sockets and timers end within a moment. Close the servers before. */
  async expectNothing(): Promise<void> {
    const left = () => {
      const { sockets, timers } = openHandles();
      const before = this.#before;
      return { sockets: Math.max(0, sockets - before.sockets), timers: Math.max(0, timers - before.timers) };
    };
    await expect.poll(left, { timeout: SETTLE_MS }).toEqual({ sockets: 0, timers: 0 });
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#onSocket);
  }
}

function openHandles(): { readonly sockets: number; readonly timers: number } {
  const names = process.getActiveResourcesInfo();
  const count = (type: string) => names.filter((name) => name === type).length;
  return { sockets: count('TCPSocketWrap'), timers: count('Timeout') };
}
