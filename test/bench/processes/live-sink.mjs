// @ts-check
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { FRAME_BYTES, sharedNow } from '../frames.mjs';
import { parameters, report } from '../processes.mjs';
import { percentile } from '../statistics.mjs';

parameters();

const FRAME_SECONDS = 0.02;

/** A final every 3 s of audio, as a client of the service gets them. */
const FRAMES_PER_FINAL = 150;

/** @type {number[]} */
let lateness = [];
let receivedBytes = 0;

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on('connection', (socket) => {
  let frames = 0;
  /** @type {Buffer} */
  let held = Buffer.alloc(0);
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => {
    const message = /** @type {Buffer} */ (data);
    if (!isBinary) {
      if (message.toString().includes('CloseStream')) end();
      return;
    }
    receivedBytes += message.length;
    // A client may cut the audio otherwise than it was handed in.
    held = held.length === 0 ? message : Buffer.concat([held, message]);
    for (; held.length >= FRAME_BYTES; held = held.subarray(FRAME_BYTES)) {
      lateness.push(sharedNow() - held.readDoubleLE(0));
      frames += 1;
      if (frames % FRAMES_PER_FINAL === 0) sendFinal();
    }
  });

  function sendFinal() {
    const duration = FRAMES_PER_FINAL * FRAME_SECONDS;
    const start = (frames - FRAMES_PER_FINAL) * FRAME_SECONDS;
    const words = [{ word: 'one', start, end: start + 0.5, confidence: 0.99 }];
    const alternatives = [{ transcript: 'one', confidence: 0.99, words }];
    socket.send(
      JSON.stringify({
        type: 'Results',
        channel_index: [0, 1],
        start,
        duration,
        is_final: true,
        speech_final: true,
        channel: { alternatives },
        metadata: { request_id: 'bench' },
        from_finalize: false,
      }),
    );
  }

  function end() {
    const duration = frames * FRAME_SECONDS;
    socket.send(JSON.stringify({ type: 'Metadata', request_id: 'bench', duration, channels: 1 }));
    socket.close(1000);
  }
});

process.on('message', () => {
  report({ frames: Math.floor(receivedBytes / FRAME_BYTES), latenessP99: percentile(lateness, 0.99) });
  lateness = [];
  receivedBytes = 0;
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') report({ url: `http://127.0.0.1:${address.port}` });
});
