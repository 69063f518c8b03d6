import type { WebSocketServer } from 'ws';
import { TranscriptionError } from '../../errors/index.js';
import { BRIDGE_PROTOCOL, POSITION_BYTES } from '../../internal/bridge-protocol.js';

/** Loads the WebSocket library, and makes what answers upgrades with it. */
export async function loadWebSocketServer(maxFrameBytes: number): Promise<WebSocketServer> {
  const { WebSocketServer: Server } = await loadWs();
  return new Server({
    noServer: true,
    clientTracking: false,
    // Compression costs memory for each connection, and audio does not get smaller by it.
    perMessageDeflate: false,
    maxPayload: maxFrameBytes + POSITION_BYTES,
    handleProtocols: () => BRIDGE_PROTOCOL,
  });
}

async function loadWs(): Promise<typeof import('ws')> {
  try {
    return await import('ws');
  } catch (cause) {
    throw new TranscriptionError('The package ws could not be loaded. Run: npm install ws', {
      code: 'internal',
      cause,
    });
  }
}
