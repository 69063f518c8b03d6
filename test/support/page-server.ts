import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = fileURLToPath(new URL('../../src/browser/index.ts', import.meta.url));

export interface BrowserBundle {
  /** Every file, by its name. The entry is `index.js`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of the files that loading the entry loads. */
  readonly initial: readonly string[];
}

/** What a page that imports `transcription-client/browser` is served by a bundler. */
export async function bundleForBrowser(): Promise<BrowserBundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [SOURCE],
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: '/bundle',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const initial = new Set<string>();
  const visit = (name: string): void => {
    if (initial.has(name)) return;
    initial.add(name);
    for (const { path, kind } of outputs.get(name)?.imports ?? []) {
      if (kind === 'import-statement') visit(basename(path));
    }
  };
  visit('index.js');
  return {
    files: new Map(outputFiles.map(({ path, contents }) => [basename(path), contents])),
    initial: [...initial],
  };
}

export interface PageServer {
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** Serves an empty page, the bundle, and further scripts. */
export async function startPageServer(
  bundle: BrowserBundle,
  options: { readonly policy?: string; readonly scripts?: Readonly<Record<string, string>> } = {},
): Promise<PageServer> {
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '/');
    const script = options.scripts?.[name] ?? bundle.files.get(name);
    if (options.policy !== undefined) response.setHeader('content-security-policy', options.policy);
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script ?? '<!doctype html><link rel="icon" href="data:,"><title>Page</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
