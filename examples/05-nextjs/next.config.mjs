// @ts-check
/** @import { NextConfig } from 'next' */

const POLICY = ["base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'", "form-action 'self'"];

/** @type {NextConfig} */
export default {
  poweredByHeader: false,
  // Loaded from node_modules as they are: the library loads what a call needs when there is one, and SQLite is native.
  serverExternalPackages: ['transcription-client', '@photostructure/sqlite'],
  // Not the repository around it.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
  headers: async () => [
    {
      source: '/:path*',
      headers: [
        { key: 'content-security-policy', value: POLICY.join('; ') },
        { key: 'permissions-policy', value: 'microphone=(self), camera=(), geolocation=()' },
        { key: 'referrer-policy', value: 'same-origin' },
        { key: 'x-content-type-options', value: 'nosniff' },
      ],
    },
    // A page that follows a job would come again over the same connection, and keep a server that ends from its end.
    { source: '/api/speech/jobs/:id/events', headers: [{ key: 'connection', value: 'close' }] },
  ],
};
