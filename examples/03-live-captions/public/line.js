/** @import { WebSocketConstructor, WebSocketLike } from 'transcription-client/browser' */

/**
 * A network that can be cut, for the demonstration: what is open breaks, and for a while nothing new opens. The live
 * client is given its `WebSocket` and knows nothing of this.
 */
export class Line {
  /** @type {WebSocket | undefined} */
  #socket;
  #healedAt = 0;

  /**
   * @param {number} milliseconds
   */
  cut(milliseconds) {
    this.#healedAt = performance.now() + milliseconds;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    const { onclose } = socket;
    // As it is where a network fails: what is under way is lost, both ways.
    socket.onmessage = socket.onclose = null;
    socket.close();
    onclose?.call(socket, new CloseEvent('close', { code: 1006 }));
  }

  /** @returns {WebSocketConstructor} */
  get WebSocket() {
    const Cuttable = new Proxy(WebSocket, {
      construct: (Original, parameters) => {
        if (performance.now() < this.#healedAt) return deadSocket();
        this.#socket = new Original(.../** @type {[string, string[]]} */ (parameters));
        return this.#socket;
      },
    });
    return /** @type {WebSocketConstructor} */ (/** @type {unknown} */ (Cuttable));
  }
}

/**
 * It fails at once, as every attempt does without a network.
 *
 * @returns {WebSocketLike}
 */
function deadSocket() {
  /** @type {WebSocketLike} */
  const socket = {
    binaryType: 'arraybuffer',
    readyState: WebSocket.CLOSED,
    bufferedAmount: 0,
    protocol: '',
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send: () => undefined,
    close: () => undefined,
  };
  setTimeout(() => {
    const onclose = /** @type {((event: CloseEvent) => void) | null} */ (socket.onclose);
    onclose?.(new CloseEvent('close', { code: 1006 }));
  });
  return socket;
}
