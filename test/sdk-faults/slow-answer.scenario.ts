import { clientOf } from '../support/client.js';
import { type FaultServer, listenAnswer, send, startHttpServer } from '../support/fault-server.js';
import { outcomeOf, rawSdk } from './raw-sdk.js';

const AUDIO = new Uint8Array([1, 2, 3]);

type Outcome = Awaited<ReturnType<typeof outcomeOf>>;

/** Takes the whole request and answers `delayMs` later. */
function startSlowServer(delayMs: number): Promise<FaultServer> {
  return startHttpServer((request, response) => {
    request.resume().on('end', () => {
      const timer = setTimeout(() => send(response, { status: 200, body: listenAnswer() }), delayMs);
      response.on('close', () => clearTimeout(timer));
    });
  });
}

/**
 * How the SDK and this library take an answer that comes after `delayMs`, where both may wait for twice as
 * long. The SDK's is an error once the delay is longer than Node's `fetch` waits for headers: 300 s. The
 * library's value is the transcript's text.
 */
export async function showSlowAnswer({ delayMs }: { readonly delayMs: number }): Promise<{
  readonly sdk: Outcome;
  readonly library: Outcome;
}> {
  const timeoutMs = delayMs * 2 + 10_000;
  await using server = await startSlowServer(delayMs);
  await using client = clientOf(server.url);
  const { media } = rawSdk(server.url, { maxRetries: 0 }).listen.v1;
  const [sdk, library] = await Promise.all([
    outcomeOf(media.transcribeFile(AUDIO, {}, { timeoutInSeconds: timeoutMs / 1000 }), timeoutMs),
    outcomeOf(
      client.transcribe(AUDIO, { timeoutMs }).then(({ text }) => text),
      timeoutMs,
    ),
  ]);
  return { sdk, library };
}

/** Where Node keeps what its `fetch` sends with. */
const DISPATCHER = Symbol.for('undici.globalDispatcher.1');

interface Dispatcher {
  close(): Promise<void>;
}

type FetchGlobal = Record<typeof DISPATCHER, Dispatcher>;

/** Runs with a `fetch` that waits `limitMs` for headers, instead of Node's 300 s. Node rounds up to seconds. */
export async function withHeadersTimeout<Result>(
  limitMs: number,
  run: () => Promise<Result>,
): Promise<Result> {
  // The dispatcher is there once fetch has been used.
  await fetch('data:,');
  const holder = globalThis as unknown as FetchGlobal;
  const usual = holder[DISPATCHER];
  const Agent = usual.constructor as new (options: { headersTimeout: number }) => Dispatcher;
  const limited = new Agent({ headersTimeout: limitMs });
  holder[DISPATCHER] = limited;
  try {
    return await run();
  } finally {
    holder[DISPATCHER] = usual;
    await limited.close();
  }
}
