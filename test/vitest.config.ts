import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^transcription-client\/testing$/, replacement: `${root}src/testing/index.ts` },
      {
        find: /^transcription-client\/(bullmq|encryption|files|postgres|prometheus|redis|s3|sqlite|unstorage)$/,
        replacement: `${root}src/adapters/$1/index.ts`,
      },
      { find: /^transcription-client\/browser$/, replacement: `${root}src/browser/index.ts` },
      {
        find: /^transcription-client\/(express|http|http-client|next|websocket)$/,
        replacement: `${root}src/server/$1/index.ts`,
      },
      { find: /^transcription-client\/records$/, replacement: `${root}src/records/index.ts` },
      { find: /^transcription-client$/, replacement: `${root}src/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Suites start servers: two cores serve two of them well.
    maxWorkers: 2,
    testTimeout: 20_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
