// @ts-check
import { createWebSocketBridge } from 'transcription-client/websocket';
import { visitorOf } from './visitors.mjs';

/** @import { IncomingMessage } from 'node:http' */
/** @import { Duplex } from 'node:stream' */
/** @import { StreamOptions, TranscriptionClient } from 'transcription-client' */

/**
 * What a browser may choose between. The model and the add-ons cost money: they are set here, and the browser says
 * nothing but how its audio is encoded.
 *
 * @type {Readonly<Record<string, StreamOptions>>}
 */
const MODES = {
  '/captions': {
    model: 'nova-3',
    interim_results: true,
    smart_format: true,
    diarize: true,
    // The sample has a person on each channel.
    multichannel: true,
  },
  '/turns': { model: 'flux-general-en', eager_eot_threshold: 0.4 },
};

const ALLOWED_OPTIONS = ['encoding', 'sample_rate', 'channels'];

/**
 * The way of browsers to live sessions: a bridge for each mode.
 *
 * @param {TranscriptionClient} client
 */
export function createBridges(client) {
  const bridges = Object.entries(MODES).map(([path, streamOptions]) =>
    createWebSocketBridge(client, {
      path,
      streamOptions,
      allowedOptions: ALLOWED_OPTIONS,
      maxSessionMs: 30 * 60_000,
      authorize: ({ headers }) => {
        const userId = visitorOf(headers);
        return userId === undefined ? null : { userId };
      },
      onEvent: (event) => {
        if (event.type === 'error') console.error(event.error.message);
      },
    }),
  );
  return {
    /**
     * @param {IncomingMessage} request
     * @param {Duplex} socket
     * @param {Buffer} head
     */
    async onUpgrade(request, socket, head) {
      for (const bridge of bridges) if (await bridge.handleUpgrade(request, socket, head)) return;
      socket.destroy();
    },

    async close() {
      await Promise.all(bridges.map((bridge) => bridge.close({ timeoutMs: 5000 })));
    },
  };
}
