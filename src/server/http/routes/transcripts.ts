import type { StoredTranscript } from '../../../contracts/index.js';
import { toSrt, toVtt } from '../../../transcript/captions.js';
import { toPlainText } from '../../../transcript/plain-text.js';
import { etagOf, isNoneMatch } from '../etag.js';
import { noSuchTranscript, ownTranscript } from '../owned.js';
import type { Route } from '../types.js';

interface Format {
  readonly contentType: string;
  write(transcript: StoredTranscript): string;
}

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['json', { contentType: 'application/json', write: (transcript) => JSON.stringify(transcript) }],
  ['txt', { contentType: 'text/plain;charset=utf-8', write: (transcript) => toPlainText(transcript) }],
  ['srt', { contentType: 'application/x-subrip', write: toSrt }],
  ['vtt', { contentType: 'text/vtt', write: toVtt }],
]);

/** `GET /transcripts/:id`, with `.json` (default), `.txt`, `.srt` or `.vtt`. */
export const transcriptRoute: Route = {
  method: 'GET',
  path: '/transcripts/:id',
  scope: 'read',
  async handle(call) {
    const { id, name, format } = requested(call.params.id ?? '');
    const body = new TextEncoder().encode(format.write(await ownTranscript(call, id)));
    const etag = await etagOf(name, body);
    const headers = { etag, 'cache-control': 'private, no-cache' };
    if (isNoneMatch(call.request.headers.get('if-none-match'), etag)) {
      return new Response(null, { status: 304, headers });
    }
    return new Response(body, {
      headers: {
        ...headers,
        'content-type': format.contentType,
        ...(call.url.searchParams.has('download') && {
          // The id is of letters, digits, - and _ here: another one has no transcript.
          'content-disposition': `attachment; filename="${id}.${name}"`,
        }),
      },
    });
  },
};

function requested(param: string): { readonly id: string; readonly name: string; readonly format: Format } {
  const dot = param.lastIndexOf('.');
  const [id, name] = dot === -1 ? [param, 'json'] : [param.slice(0, dot), param.slice(dot + 1)];
  const format = FORMATS.get(name);
  if (format === undefined) throw noSuchTranscript();
  return { id, name, format };
}
