import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { createHandlers } from '../../../src/server/http/index.js';
import { openApiDocument } from '../../../src/server/http/open-api.js';
import { type HttpOptions, resolveHttpOptions } from '../../../src/server/http/options.js';
import { createRoutes } from '../../../src/server/http/routes/index.js';

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
  };
}

const EVERYTHING: Partial<HttpOptions> = {
  basePath: '/api/speech',
  allowWebhooks: true,
  allowedOptions: ['model', 'keyterm', 'utt_split'],
  limits: { requestsPerMinute: 100 },
  token: {},
  stream: {
    url: 'wss://app.test/stream',
    tokens: { issue: async () => ({ token: 'short', expiresInSeconds: 60 }) },
  },
  metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', metrics: async () => '' },
};

const UPLOAD_FIELDS = [
  'audioDuration',
  'idempotencyKey',
  'metadata',
  'mode',
  'priority',
  'userId',
  'webhook',
];

const settingsOf = (options: Partial<HttpOptions>) =>
  resolveHttpOptions({ authorize: () => null, ...options });
const documentOf = async (options: Partial<HttpOptions>) =>
  (await openApiDocument(settingsOf(options))) as unknown as Document;

describe.each([
  ['with what is the default', {}],
  ['with everything', EVERYTHING],
  ['without itself', { openApi: false }],
] satisfies [string, Partial<HttpOptions>][])('the OpenAPI document %s', (_what, options) => {
  it('is valid OpenAPI 3.1', async () => {
    const document = await documentOf(options);
    expect(document.openapi).toBe('3.1.0');
    const { valid, errors } = await new Validator().validate({ ...structuredClone(document) });
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it('has every route and nothing else', async () => {
    const routes = createRoutes(settingsOf(options)).map(
      ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
    );
    expect(
      operationsOf(await documentOf(options))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(routes.sort());
  });

  it('says which routes everybody may ask', async () => {
    const open = createRoutes(settingsOf(options)).flatMap(({ scope, path }) =>
      scope === undefined ? [path] : [],
    );
    const documented = operationsOf(await documentOf(options)).flatMap(({ path, operation }) =>
      operation.security?.length === 0 ? [path] : [],
    );
    expect(documented.sort()).toEqual(open.sort());
  });

  it('refers only to what it has, and has nothing that nobody refers to', async () => {
    const document = await documentOf(options);
    const refs = new Set([...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, to]) => to));
    const there = Object.entries(document.components).flatMap(([kind, parts]) =>
      Object.keys(parts).map((name) => `/components/${kind}/${name}`),
    );
    for (const ref of refs) expect(there).toContain(ref);
    const unused = there.filter((part) => !refs.has(part));
    // The scheme is named otherwise, an event is the text of a stream.
    const expected = ['/components/securitySchemes/bearer', '/components/schemas/JobEvent'];
    expect(unused.filter((part) => !part.includes('Problem')).sort()).toEqual(expected.sort());
  });
});

describe('the OpenAPI document', async () => {
  it('has the base path as its server', async () => {
    expect((await documentOf({})).servers).toEqual([{ url: '/' }]);
    expect((await documentOf(EVERYTHING)).servers).toEqual([{ url: '/api/speech' }]);
  });

  it('names the options that a request may set, and no others', async () => {
    const document = await documentOf(EVERYTHING);
    const names = ['keyterm', 'model', 'utt_split'];
    expect(Object.keys(document.components.schemas.DeepgramOptions?.properties ?? {}).sort()).toEqual(names);
    const query = document.paths['/transcribe']?.post?.parameters?.filter(
      (parameter) => parameter.in === 'query',
    );
    expect(query?.map(({ name }) => name).sort()).toEqual([...UPLOAD_FIELDS, ...names].sort());
  });

  it('names the mode stream only where there is a bridge', async () => {
    const modesOf = async (options: Partial<HttpOptions>) =>
      (await documentOf(options)).components.schemas.TranscribeRequest?.properties?.mode;
    expect(await modesOf({})).toMatchObject({ enum: ['sync', 'async'] });
    expect(await modesOf(EVERYTHING)).toMatchObject({ enum: ['sync', 'async', 'stream'] });
  });

  it('names webhooks only where they are allowed', async () => {
    expect((await documentOf({})).components.schemas.TranscribeRequest?.properties).not.toHaveProperty(
      'webhook',
    );
    expect((await documentOf(EVERYTHING)).components.schemas.TranscribeRequest?.properties).toHaveProperty(
      'webhook',
    );
  });

  it('is served to whoever may read, and is the same each time', async () => {
    const client = { submit: () => {}, handleCallback: () => {}, health: () => {} } as never;
    const { fetch } = createHandlers(client, { authorize: () => ({ userId: 'ada' }), ...EVERYTHING });
    const ask = async () => (await fetch(new Request('http://api.test/api/speech/openapi.json'))).json();
    expect(await ask()).toEqual(JSON.parse(JSON.stringify(await documentOf(EVERYTHING))));
    expect(await ask()).toEqual(await ask());
  });
});

function operationsOf(document: Document) {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );
}
