import { TranscriptionClient } from 'transcription-client';
import { createHandlers } from 'transcription-client/http';

/** Serves the API with what this runtime brings, and prints its port. Run with the URL of an emulator. */
const [endpoint = ''] = process.argv.slice(2);

type FetchHandler = (request: Request) => Promise<Response>;

interface Runtime {
  readonly Bun?: {
    serve(options: { port: number; hostname: string; fetch: FetchHandler }): { readonly port: number };
  };
  readonly Deno?: {
    serve(
      options: { port: number; hostname: string; onListen(): void },
      handler: FetchHandler,
    ): {
      readonly addr: { readonly port: number };
    };
  };
}

const client = new TranscriptionClient({ apiKey: 'test-key', regions: [{ name: 'here', endpoint }] });
const handlers = createHandlers(client, {
  basePath: '/api/speech',
  authorize: ({ headers }) => {
    const userId = /^Bearer (\w+)$/.exec(headers.get('authorization') ?? '')?.[1];
    return userId === undefined ? null : { userId };
  },
  limits: { maxAudioBytes: 2_000_000 },
});

const { Bun, Deno } = globalThis as Runtime;
const place = { port: 0, hostname: '127.0.0.1' };
const port =
  Bun?.serve({ ...place, fetch: handlers.fetch }).port ??
  Deno?.serve({ ...place, onListen: () => undefined }, handlers.fetch).addr.port;
console.log(`port ${port}`);
