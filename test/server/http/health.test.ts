import { createMemoryStorage, StorageError } from 'transcription-client';
import { describe, expect, it, vi } from 'vitest';
import type { HttpClient, HttpOptions } from '../../../src/server/http/index.js';
import { createHandlers } from '../../../src/server/http/index.js';
import { health } from '../../../src/server/http/schemas.js';
import { API_KEY, ORIGIN, startHttpRig } from './rig.js';

const ADDRESS = 'CANARY-db.internal:5432';

/** Nobody asks `authorize` here. */
const authorize: HttpOptions['authorize'] = () => {
  throw new Error('authorize was asked');
};

describe('GET /health', () => {
  it('is open to everybody, and says how each part is', async () => {
    await using rig = await startHttpRig({ http: { authorize } });
    const response = await rig.fetch('/health', { headers: { authorization: '' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as { checks: { name: string }[] };
    expect(body).toMatchObject({ status: 'ok', problems: [] });
    expect(body.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['deepgram', 'storage', 'queue']),
    );
    for (const check of body.checks)
      expect(Object.keys(check).sort()).toEqual([
        'latencyMs',
        'name',
        ...(check.name === 'deepgram' ? ['region'] : []),
        'state',
      ]);
    const head = await rig.fetch('/health', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('is 503 where the client cannot work, and names no host', async () => {
    const storage = {
      ...createMemoryStorage(),
      health: async () => {
        throw new StorageError(`No connection to ${ADDRESS}.`, { code: 'storage_unavailable' });
      },
    };
    await using rig = await startHttpRig({ client: { storage } });
    const response = await rig.fetch('/health');
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      status: 'down',
      problems: [{ part: 'storage', code: 'storage_unavailable', severity: 'error' }],
    });
    expect(text).not.toContain('CANARY');
    expect(text).not.toContain(API_KEY);
    expect(text).not.toContain('127.0.0.1');
    expect((await rig.client.health()).problems[0]?.message).toContain(ADDRESS);
  });

  it('looks once for all who ask at the same time', async () => {
    let answer: () => void = () => undefined;
    const health = vi.fn(() => new Promise<void>((resolve) => (answer = resolve)));
    await using rig = await startHttpRig({ client: { storage: { ...createMemoryStorage(), health } } });
    const asking = Array.from({ length: 100 }, () => rig.fetch('/health'));
    await vi.waitFor(() => expect(health).toHaveBeenCalled());
    answer();
    for (const response of await Promise.all(asking)) expect(response.status).toBe(200);
    expect(health).toHaveBeenCalledTimes(1);
    const again = rig.fetch('/health');
    await vi.waitFor(() => expect(health).toHaveBeenCalledTimes(2));
    answer();
    expect((await again).status).toBe(200);
  });

  it('is 200 where the client works, but not at its best', async () => {
    const problem = {
      part: 'queue',
      code: 'redis_eviction_policy',
      message: ADDRESS,
      severity: 'warning',
    } as const;
    const client = {
      submit: () => Promise.reject(new Error('not here')),
      handleCallback: () => Promise.reject(new Error('not here')),
      health: async () => ({ status: 'degraded', problems: [problem] }),
    } as unknown as HttpClient;
    const response = await createHandlers(client, { authorize }).fetch(new Request(`${ORIGIN}/health`));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'degraded',
      problems: [{ part: 'queue', code: 'redis_eviction_policy', severity: 'warning' }],
      checks: [],
    });
  });

  it('is 503 once the client is closed', async () => {
    await using rig = await startHttpRig();
    await rig.client.close();
    const response = await rig.fetch('/health');
    expect(response.status).toBe(503);
    expect(health.parse(await response.json())).toEqual({
      status: 'down',
      problems: [{ part: 'client', code: 'client_closed', severity: 'error' }],
      checks: [],
    });
  });
});
