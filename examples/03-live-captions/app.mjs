// @ts-check
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { toPlainText, toSrt, toVtt } from 'transcription-client';
import { MICROPHONE_WORKLET } from 'transcription-client/browser';
import { visitorOf, welcome } from './visitors.mjs';

/** @import { Express, NextFunction, Request, RequestHandler, Response } from 'express' */
/** @import { StoredTranscript, TranscriptionClient } from 'transcription-client' */
/** @import { Backend } from './backend.mjs' */

const PAGE = fileURLToPath(new URL('public/', import.meta.url));
const LIBRARY = dirname(fileURLToPath(import.meta.resolve('transcription-client/browser')));

/** How long the demonstration of an outage takes. */
const OUTAGE_MS = 2000;

/** @type {Readonly<Record<string, { type: string, write: (transcript: StoredTranscript) => string }>>} */
const FORMATS = {
  srt: { type: 'application/x-subrip', write: toSrt },
  vtt: { type: 'text/vtt', write: toVtt },
  txt: { type: 'text/plain', write: (transcript) => `${toPlainText(transcript)}\n` },
};

/**
 * @param {Request} request
 * @param {Response} response
 * @param {NextFunction} next
 */
function signedIn(request, response, next) {
  if (visitorOf(request.headers) !== undefined) next();
  else response.status(401).type('text/plain').send('Open the page first: it gives you a cookie.\n');
}

/**
 * Everything but the WebSockets.
 *
 * @param {{ client: TranscriptionClient, backend: Backend }} parts
 * @returns {Express}
 */
export function createApp({ client, backend }) {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders());

  app.get('/', welcome);
  app.use(express.static(PAGE));
  // The library's code for browsers, as it was built: modules that import each other by name.
  app.use('/lib', express.static(LIBRARY, { index: false }));
  // From `blob:`, where the library would take it from, the Content-Security-Policy forbids it.
  app.get('/microphone-worklet.js', (_request, response) => {
    response.type('text/javascript').send(MICROPHONE_WORKLET);
  });

  app.get('/settings', (_request, response) => {
    const { name, hearsTones, hearsSpeech, cut, samples } = backend;
    const modes = Object.entries(samples).map(([mode, { people, words }]) => [
      mode,
      { url: `/samples/${mode}.wav`, people, words },
    ]);
    response.json({
      backend: name,
      hearsTones,
      hearsSpeech,
      canCut: cut !== undefined,
      outageMs: OUTAGE_MS,
      samples: Object.fromEntries(modes),
    });
  });

  app.get('/samples/:mode.wav', (request, response, next) => {
    const sample = Object.hasOwn(backend.samples, request.params.mode)
      ? backend.samples[request.params.mode]
      : undefined;
    if (sample === undefined) return next();
    response.type('audio/wav').send(Buffer.from(sample.audio));
  });

  app.get('/transcripts/:id.:format', signedIn, async (request, response, next) => {
    const { id, format } = /** @type {{ id: string, format: string }} */ (request.params);
    const written = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
    const transcript = await client.transcripts.get(id);
    // Somebody else's is not told apart from one that is not there.
    if (written === undefined || transcript?.userId !== visitorOf(request.headers)) return next();
    response.attachment(`captions.${format}`).type(written.type);
    response.send(written.write(/** @type {StoredTranscript} */ (transcript)));
  });

  // For the demonstration only: no product lets its visitors do this.
  app.post('/cut', signedIn, (_request, response, next) => {
    if (backend.cut === undefined) return next();
    backend.cut(OUTAGE_MS);
    response.status(204).end();
  });

  app.use((_request, response) => {
    response.status(404).type('text/plain').send('There is no such page.\n');
  });
  return app;
}

/** @returns {RequestHandler} */
function securityHeaders() {
  const policy = [
    "default-src 'self'",
    `script-src 'self' '${importMapHash()}'`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (_request, response, next) => {
    response.set({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    next();
  };
}

/** The import map is the only script inside the page, and must be: browsers load none from a file. */
function importMapHash() {
  const page = readFileSync(`${PAGE}index.html`, 'utf8');
  const map = /<script type="importmap">(.*?)<\/script>/s.exec(page)?.[1] ?? '';
  return `sha256-${createHash('sha256').update(map).digest('base64')}`;
}
