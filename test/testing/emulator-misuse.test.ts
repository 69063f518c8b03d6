import {
  createFakeClock,
  type DeepgramEmulator,
  type DeepgramEmulatorOptions,
  type LiveFaultInput,
  startDeepgramEmulator,
  synthesizeSpeech,
} from 'transcription-client/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { closeStream, openLive, refusedLive, sendFrames, textOf } from './emulator-client.js';
import { openFlux } from './emulator-flux-client.js';
import { AUTHORIZATION, post, transcriptOf } from './emulator-http-client.js';

const { audio: WAV } = synthesizeSpeech('hello world');
const RAW = synthesizeSpeech('hello world', { container: 'raw' });
const PATH = '/v1/listen?encoding=linear16&sample_rate=16000';

const opened: DeepgramEmulator[] = [];
async function start(options?: DeepgramEmulatorOptions): Promise<DeepgramEmulator> {
  const emulator = await startDeepgramEmulator(options);
  opened.push(emulator);
  return emulator;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((emulator) => emulator.close()));
});

describe('a rule whose own code fails', () => {
  const when = () => {
    throw new Error('the rule is wrong');
  };

  it('is answered with 500, and the emulator goes on', async () => {
    const emulator = await start();
    const rule = emulator.faults.rule({ fault: 503, when });
    const { status, body } = await post(emulator, '/v1/listen', WAV);
    expect([status, body.err_msg]).toEqual([500, 'The emulator failed: Error: the rule is wrong']);
    rule.remove();
    expect((await post(emulator, '/v1/listen', WAV)).status).toBe(200);
  });

  it('refuses a handshake with 500, and the emulator goes on', async () => {
    const emulator = await start();
    const rule = emulator.faults.live.rule({ fault: 'drop', when });
    const { status, headers } = await refusedLive(emulator, PATH);
    expect([status, headers['dg-error']]).toEqual([500, 'the rule is wrong']);
    rule.remove();
    await closeStream(await openLive(emulator));
  });
});

describe('a setting that could not be sent is refused where it is set', () => {
  const circular: { self?: object } = {};
  circular.self = circular;

  it.each<[RegExp, unknown]>([
    [
      /fault\.retryAfter: must be printable ASCII/,
      { kind: 'handshake', status: 429, retryAfter: '1\r\nx: y' },
    ],
    [/fault\.retryAfter: must be a string/, { kind: 'handshake', status: 429, retryAfter: {} }],
    [/fault\.message: must be a string/, { kind: 'handshake', status: 429, message: 5 }],
    [/fault\.reason: must be a string/, { kind: 'close', code: 1000, reason: 5 }],
    [/fault\.message: must be an object/, { kind: 'unknownMessage', message: 'text' }],
    [/fault\.message: must be what JSON can hold/, { kind: 'unknownMessage', message: circular }],
  ])('%s', async (message, fault) => {
    const emulator = await start();
    expect(() => emulator.faults.live.next(fault as LiveFaultInput)).toThrow(message);
  });

  it('Retry-After of a status', async () => {
    const emulator = await start();
    expect(() => emulator.faults.next({ kind: 'status', status: 429, retryAfter: 'a\nb' })).toThrow(
      /fault\.retryAfter: must be printable ASCII/,
    );
  });
});

describe('faults at their edges', () => {
  it('stalledBody stalls also where afterBytes is more than there is', async () => {
    const emulator = await start();
    emulator.faults.next({ kind: 'stalledBody', afterBytes: 1_000_000 });
    const leave = new AbortController();
    const response = await fetch(`${emulator.url}/v1/listen`, {
      method: 'POST',
      headers: AUTHORIZATION,
      body: Buffer.from(WAV),
      signal: leave.signal,
    });
    let received = 0;
    const reader = response.body?.getReader();
    const promised = Number(response.headers.get('content-length'));
    while (received < promised - 1) received += (await reader?.read())?.value?.byteLength ?? 0;
    expect(received).toBe(promised - 1);
    leave.abort();
  });

  it('what comes behind halfOpen or drop in a list does not happen', async () => {
    const emulator = await start();
    emulator.faults.live.next(['halfOpen', 'invalidJson', 'unknownMessage']);
    emulator.faults.live.next(['drop', 'unknownMessage']);
    for (let index = 0; index < 2; index += 1) {
      const socket = new WebSocket(`${emulator.wsUrl}${PATH}`, { headers: AUTHORIZATION });
      const texts: string[] = [];
      socket.on('message', (data) => texts.push(String(data)));
      await new Promise((resolve) => socket.on('open', resolve));
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.terminate();
      await closed;
      expect(texts).toEqual([]);
    }
    expect(emulator.requests.map(({ faults }) => faults)).toEqual([['halfOpen'], ['drop']]);
  });

  it.each([
    [400, 'Bad Request'],
    [503, 'SERVICE_UNAVAILABLE'],
    [599, 'INTERNAL_SERVER_ERROR'],
  ])('a handshake refused with %i has the code %s', async (status, code) => {
    const emulator = await start();
    emulator.faults.live.next(status);
    const socket = new WebSocket(`${emulator.wsUrl}${PATH}`, { headers: AUTHORIZATION });
    socket.on('error', () => {});
    const body = await new Promise<string>((resolve) => {
      socket.on('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => resolve(text));
      });
    });
    expect(JSON.parse(body)).toMatchObject({ err_code: code });
  });
});

describe('close()', () => {
  it.each<[string, LiveFaultInput | undefined]>([
    ['no fault', undefined],
    ['slowOpen', { kind: 'slowOpen', ms: 1_000_000 }],
    ['halfOpen', 'halfOpen'],
    ['stopReading', 'stopReading'],
    ['lateFinals', { kind: 'lateFinals', ms: 1_000_000 }],
  ])('leaves no timer of a live stream: %s', async (_name, fault) => {
    const clock = createFakeClock();
    const emulator = await start({ clock });
    if (fault) emulator.faults.live.next(fault, 2);
    const clients = [openLive(emulator), openFlux(emulator)].map((opening) =>
      opening.then(({ socket }) => socket.send(RAW.audio)).catch(() => undefined),
    );
    await vi.waitFor(() => expect(clock.pendingTimers).toBeGreaterThanOrEqual(2));
    await emulator.close();
    expect(clock.pendingTimers).toBe(0);
    expect(emulator.journal.live).toBe(0);
    await Promise.all(clients);
  });
});

describe('addresses', () => {
  it.each(['/a call.wav', '/call.wav?signature=1', '/grüße.wav', '//call.wav'])(
    'audio is served at %s, and transcribed from there',
    async (path) => {
      const emulator = await start();
      const url = emulator.serveAudio(WAV, { path });
      expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(Buffer.from(WAV))).toBe(true);
      const { body } = await post(emulator, '/v1/listen', { url });
      expect(transcriptOf(body)).toBe('hello world');
    },
  );

  it('an emulator that listens everywhere names itself by the loopback address', async () => {
    const emulator = await start({ host: '0.0.0.0' });
    expect(emulator.url).toBe(`http://127.0.0.1:${emulator.port}`);
    const { body } = await post(emulator, '/v1/listen', { url: emulator.serveAudio(WAV) });
    expect(transcriptOf(body)).toBe('hello world');
    const client = await openLive(emulator);
    sendFrames(client, RAW.audio);
    expect(textOf(await closeStream(client))).toBe('hello world');
  });

  it('a path with two slashes is reported as it came', async () => {
    const emulator = await start();
    const { status, body } = await post(emulator, '//v1/listen', WAV);
    expect([status, body.err_msg]).toEqual([404, 'There is nothing at //v1/listen.']);
  });
});

describe('a header that names an absurd number of channels', () => {
  const absurd = Buffer.from(WAV);
  absurd.writeUInt16LE(65_535, 22);

  it('is refused as a recording', async () => {
    const emulator = await start();
    const { status, body } = await post(emulator, '/v1/listen?multichannel=true', absurd);
    expect([status, body.err_msg]).toEqual([400, expect.stringContaining('names 65535 channels')]);
    expect(emulator.requests[0]?.audioProblem).toBe('corrupt');
  });

  it('ends a stream with DATA-0000 at once', async () => {
    const emulator = await start();
    const client = await openLive(emulator, { multichannel: 'true' });
    client.socket.send(absurd);
    expect(await client.closed).toEqual({
      code: 1008,
      reason: expect.stringMatching(/^DATA-0000: .*65535 channels/) as string,
    });
  });
});

it('a Flux stream fails once, also where its recognizer rejects for that', async () => {
  const clock = createFakeClock();
  const emulator = await start({
    clock,
    recognizer: (_audio, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
  });
  const client = await openFlux(emulator);
  client.socket.send(RAW.audio);
  client.socket.send('no JSON');
  expect((await client.closed).code).toBe(1008);
  expect(client.messages.filter(({ type }) => type === 'Error')).toHaveLength(1);
});
