import { Readable } from 'node:stream';
import { type AudioSource, fromStream } from 'transcription-client';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { clientOf, failureOf } from '../support/client.js';
import {
  type Answer,
  type FaultServer,
  listenAnswer,
  send,
  startAnswering,
  startHttpServer,
} from '../support/fault-server.js';

const MEGABYTE = 1024 * 1024;
const CHUNK = 64 * 1024;
const SIZE = 64 * MEGABYTE;
/** What sockets of this machine take in before the other side has read anything. */
const AHEAD = 16 * MEGABYTE;

/** What is made of the audio, and what became of it. */
class Supply {
  made = 0;
  closed = 0;

  async *generator(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < SIZE; at += CHUNK) {
        this.made += CHUNK;
        yield new Uint8Array(CHUNK);
      }
    } finally {
      this.closed += 1;
    }
  }

  readable(): Readable {
    let left = SIZE;
    const supply = this;
    return new Readable({
      read() {
        supply.made += left > 0 ? CHUNK : 0;
        this.push(left > 0 ? Buffer.alloc(CHUNK) : null);
        left -= CHUNK;
      },
      destroy(error, done) {
        supply.closed += 1;
        done(error);
      },
    });
  }

  webStream(): ReadableStream<Uint8Array> {
    let left = SIZE;
    return new ReadableStream({
      pull: (controller) => {
        if (left <= 0) {
          this.closed += 1;
          controller.close();
          return;
        }
        this.made += CHUNK;
        left -= CHUNK;
        controller.enqueue(new Uint8Array(CHUNK));
      },
      cancel: () => {
        this.closed += 1;
      },
    });
  }

  /** The audio from another server. */
  async served(): Promise<FaultServer> {
    return startHttpServer((_request, response) => {
      const stream = this.readable();
      response.on('close', () => stream.destroy());
      stream.pipe(response);
    });
  }
}

const request = (body: ReadableStream<Uint8Array>): Request =>
  new Request('http://localhost/', { method: 'POST', body, ...{ duplex: 'half' } });

type Kind = (supply: Supply) => AudioSource;

const ONE_SHOT: Record<string, Kind> = {
  'a generator': (supply) => supply.generator(),
  'a Readable': (supply) => supply.readable(),
  'a ReadableStream': (supply) => supply.webStream(),
  'a Request': (supply) => request(supply.webStream()),
  'a Response': (supply) => new Response(supply.webStream()),
};
const REOPENABLE: Record<string, Kind> = {
  'fromStream() of generators': (supply) => fromStream(() => supply.generator()),
  'fromStream() of Readables': (supply) => fromStream(() => supply.readable()),
  'fromStream() of ReadableStreams': (supply) => fromStream(async () => supply.webStream()),
};
const KINDS = { ...ONE_SHOT, ...REOPENABLE };

/** Reads 1 MB and then nothing, until it is let. */
async function startReluctant(): Promise<{ server: FaultServer; received: () => number; goOn: () => void }> {
  let received = 0;
  let resume: () => void = () => undefined;
  const server = await startHttpServer((incoming, response) => {
    let isHeldBack = true;
    resume = () => {
      isHeldBack = false;
      incoming.resume();
    };
    incoming.on('data', (chunk: Buffer) => {
      received += chunk.byteLength;
      if (isHeldBack && received >= MEGABYTE) incoming.pause();
    });
    incoming.on('end', () => send(response, { status: 200, body: listenAnswer() }));
  });
  return { server, received: () => received, goOn: () => resume() };
}

/** Waits until no more is made, and tells how much was. */
async function settledAmount(supply: Supply): Promise<number> {
  let before = -1;
  await vi.waitFor(
    () => {
      const { made } = supply;
      const isSettled = made > MEGABYTE && made === before;
      before = made;
      expect(isSettled).toBe(true);
    },
    { timeout: 10_000, interval: 200 },
  );
  return supply.made;
}

beforeAll(async () => {
  // The first call loads the SDK, which takes its time.
  await using server = await startAnswering({ status: 200, body: listenAnswer() });
  await using client = clientOf(server.url);
  await client.transcribe(new Uint8Array(1));
});

describe('an upload of 64 MB to a server that reads slowly', () => {
  it.each(Object.keys(KINDS))('%s is not read far ahead, and arrives whole', async (name) => {
    const supply = new Supply();
    const { server, received, goOn } = await startReluctant();
    await using _server = server;
    await using client = clientOf(server.url);
    const call = client.transcribe((KINDS[name] as Kind)(supply));
    expect(await settledAmount(supply)).toBeLessThan(AHEAD);
    goOn();
    expect((await call).text).toBe('hello world');
    expect(received()).toBe(SIZE);
    await vi.waitFor(() => expect(supply.closed).toBe(1));
  });

  it('the Response of a fetch', async () => {
    const supply = new Supply();
    await using origin = await supply.served();
    const { server, received, goOn } = await startReluctant();
    await using _server = server;
    await using client = clientOf(server.url);
    const call = client.transcribe(await fetch(origin.url));
    // The connection between the two servers takes in as much again.
    expect(await settledAmount(supply)).toBeLessThan(2 * AHEAD);
    goOn();
    await call;
    expect(received()).toBe(SIZE);
  });

  it('the request that a server received', async () => {
    const supply = new Supply();
    const { server, received, goOn } = await startReluctant();
    await using _server = server;
    await using client = clientOf(server.url);
    await using host = await startHttpServer((incoming, response) => {
      client.transcribe(incoming).then(
        ({ text }) => response.end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    const answer = fetch(host.url, { method: 'POST', body: supply.webStream(), ...{ duplex: 'half' } });
    expect(await settledAmount(supply)).toBeLessThan(2 * AHEAD);
    goOn();
    expect(await (await answer).text()).toBe('hello world');
    expect(received()).toBe(SIZE);
  });
});

const busy: Answer = (incoming, response) => {
  incoming.resume().on('end', () => send(response, { status: 503 }));
};

describe('a source that can be read once', () => {
  it.each(Object.keys(ONE_SHOT))('%s is not sent again, and the error says why', async (name) => {
    await using server = await startHttpServer(busy);
    await using client = clientOf(server.url);
    const error = await failureOf(client.transcribe((ONE_SHOT[name] as Kind)(new Supply())));
    expect(error).toMatchObject({ code: 'provider_unavailable', status: 503, attempt: 1, retryable: true });
    expect(error.message).toMatch(/not retried.*only once.*fromStream\(\(\) => .*fromFile\(path\)/);
    expect(server.requests).toHaveLength(1);
  });

  it.each(Object.keys(REOPENABLE))('%s is opened again', async (name) => {
    const supply = new Supply();
    await using server = await startHttpServer((incoming, response, count) => {
      const reply = count === 1 ? { status: 503 } : { status: 200, body: listenAnswer() };
      incoming.resume().on('end', () => send(response, reply));
    });
    await using client = clientOf(server.url);
    expect((await client.transcribe((REOPENABLE[name] as Kind)(supply))).text).toBe('hello world');
    expect(server.requests).toHaveLength(2);
    expect(supply.made).toBe(2 * SIZE);
    await vi.waitFor(() => expect(supply.closed).toBe(2));
  });
});

describe('an upload that ends early lets go of its source', () => {
  const ENDS: Record<string, { answer: Answer; code: string }> = {
    'by an abort': {
      answer: (incoming) => void incoming.once('data', () => incoming.pause()),
      code: 'aborted',
    },
    'by a reset': {
      answer: (incoming) => void incoming.once('data', () => incoming.socket.resetAndDestroy()),
      code: 'network',
    },
    'by an answer before its end': {
      answer: (incoming, response) => void incoming.once('data', () => send(response, { status: 413 })),
      code: 'payload_too_large',
    },
  };
  const cases = Object.keys(KINDS).flatMap((kind) => Object.keys(ENDS).map((end) => [kind, end] as const));

  it.each(cases)('%s %s', async (kind, end) => {
    const supply = new Supply();
    const { answer, code } = ENDS[end] as (typeof ENDS)[string];
    await using server = await startHttpServer(answer);
    await using client = clientOf(server.url, { retry: { attempts: 1 } });
    const controller = new AbortController();
    const failure = failureOf(
      client.transcribe((KINDS[kind] as Kind)(supply), { signal: controller.signal }),
    );
    if (code === 'aborted') {
      await vi.waitFor(() => expect(server.requests).toHaveLength(1));
      controller.abort();
    }
    expect((await failure).code).toBe(code);
    await vi.waitFor(() => expect(supply.closed).toBe(1));
    const { made } = supply;
    expect(made).toBeLessThan(SIZE);
    // Nobody reads on.
    await new Promise((resolve) => setImmediate(resolve));
    expect(supply.made).toBe(made);
  });

  it('the Response of a fetch, whose connection is closed', async () => {
    const supply = new Supply();
    await using origin = await supply.served();
    await using server = await startHttpServer(
      (incoming) => void incoming.once('data', () => incoming.pause()),
    );
    await using client = clientOf(server.url);
    const controller = new AbortController();
    const failure = failureOf(client.transcribe(await fetch(origin.url), { signal: controller.signal }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    controller.abort();
    expect((await failure).code).toBe('aborted');
    await vi.waitFor(() => expect(supply.closed).toBe(1));
    expect(supply.made).toBeLessThan(SIZE);
  });
});
