// @ts-check
// Breaks the connection of each stream several times, and measures how long it then gets no audio.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { FRAME_BYTES, FRAME_MS, sharedNow } from '../frames.mjs';
import { parameters, report } from '../processes.mjs';
import { DROPS_PER_STREAM } from './live-drop-settings.mjs';

parameters();

const FRAME_SECONDS = FRAME_MS / 1000;
const FRAMES_PER_RESULT = 25;

/**
 * The connection breaks between two results, of which each second one is a final, and not within the 5 s for which the
 * SDK takes it for one more failure: then its pauses grow.
 */
const FRAMES_BEFORE_DROP = 310;

/** @type {number[]} Milliseconds. */
let outages = [];
/**
 * When the connection of a stream was broken that has not sent audio since, and how often that was.
 *
 * @type {Map<string, { droppedAt: number | undefined, drops: number }>}
 */
let streams = new Map();

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on('connection', (socket, request) => {
  const tag = new URL(request.url ?? '', 'http://sink').searchParams.get('tag') ?? '';
  const stream = streams.get(tag) ?? { droppedAt: undefined, drops: 0 };
  streams.set(tag, stream);
  let receivedBytes = 0;
  let results = 0;
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => {
    const message = /** @type {Buffer} */ (data);
    if (!isBinary) {
      if (message.toString().includes('CloseStream')) end();
      return;
    }
    if (stream.droppedAt !== undefined) outages.push(sharedNow() - stream.droppedAt);
    stream.droppedAt = undefined;
    receivedBytes += message.length;
    const frames = Math.floor(receivedBytes / FRAME_BYTES);
    for (; (results + 1) * FRAMES_PER_RESULT <= frames; results += 1) sendResult();
    if (frames >= FRAMES_BEFORE_DROP && stream.drops < DROPS_PER_STREAM) {
      stream.drops += 1;
      stream.droppedAt = sharedNow();
      socket.terminate();
    }
  });

  function sendResult() {
    const isFinal = results % 2 === 1;
    const duration = FRAMES_PER_RESULT * FRAME_SECONDS * (isFinal ? 2 : 1);
    const start = (results + 1) * FRAMES_PER_RESULT * FRAME_SECONDS - duration;
    const words = [{ word: 'one', start, end: start + 0.3, confidence: 0.99 }];
    socket.send(
      JSON.stringify({
        type: 'Results',
        channel_index: [0, 1],
        start,
        duration,
        is_final: isFinal,
        speech_final: isFinal,
        channel: { alternatives: [{ transcript: 'one', confidence: 0.99, words }] },
        metadata: { request_id: 'bench' },
        from_finalize: false,
      }),
    );
  }

  function end() {
    const duration = (receivedBytes / FRAME_BYTES) * FRAME_SECONDS;
    socket.send(JSON.stringify({ type: 'Metadata', request_id: 'bench', duration, channels: 1 }));
    socket.close(1000);
  }
});

process.on('message', () => {
  report({ outages });
  outages = [];
  streams = new Map();
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') report({ url: `http://127.0.0.1:${address.port}` });
});
