import { defineConfig, type Options } from 'tsup';

const shared: Options = {
  entry: {
    index: 'src/index.ts',
    bullmq: 'src/adapters/bullmq/index.ts',
    encryption: 'src/adapters/encryption/index.ts',
    express: 'src/server/express/index.ts',
    files: 'src/adapters/files/index.ts',
    http: 'src/server/http/index.ts',
    next: 'src/server/next/index.ts',
    postgres: 'src/adapters/postgres/index.ts',
    prometheus: 'src/adapters/prometheus/index.ts',
    records: 'src/records/index.ts',
    redis: 'src/adapters/redis/index.ts',
    s3: 'src/adapters/s3/index.ts',
    sqlite: 'src/adapters/sqlite/index.ts',
    testing: 'src/testing/index.ts',
    unstorage: 'src/adapters/unstorage/index.ts',
    websocket: 'src/server/websocket/index.ts',
  },
  target: 'node20.19',
  platform: 'node',
  splitting: true,
  treeshake: false,
  sourcemap: true,
  removeNodeProtocol: false,
  // TypeScript 6 reports the options that tsup's type build still sets.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
};

/** What a browser loads, as it is or through a bundler: nothing of Node. */
const browser: Options = {
  ...shared,
  entry: { browser: 'src/browser/index.ts', 'http-client': 'src/server/http-client/index.ts' },
  target: 'es2022',
  platform: 'neutral',
  external: ['isomorphic-ws'],
};

export default defineConfig([
  { ...browser, format: 'esm' },
  { ...browser, format: 'cjs' },
  { ...shared, format: 'esm' },
  {
    ...shared,
    format: 'cjs',
    // ESM-only packages are bundled into the CommonJS build: require() of an ES module fails in
    // test runners with a module loader of their own.
    noExternal: ['p-queue', 'p-retry', 'p-timeout', 'is-network-error'],
    esbuildOptions(options) {
      // The same runners cannot evaluate import() either, so lazy loading becomes a lazy require().
      options.supported = { ...options.supported, 'dynamic-import': false };
    },
  },
]);
