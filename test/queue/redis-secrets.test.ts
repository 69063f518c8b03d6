import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openQueue } from './processes/backend.js';
import { disposeScript, type ProcessRig, startRig } from './processes/rig.js';

const SECRET = 'CANARY-webhook-secret-0123456789';

let rig: ProcessRig | undefined;

afterEach(async () => {
  await rig?.close();
  await disposeScript();
});

describe('what Redis gets to see', () => {
  it('is ids and times: no URL, text, option, secret or metadata', async () => {
    const receiver = createServer((request, response) => {
      request.resume();
      response.writeHead(500).end();
    }).listen(0, '127.0.0.1');
    await vi.waitFor(() => expect(receiver.listening).toBe(true));
    const r = await startRig('bullmq', { emulator: { processingMs: 700 } });
    rig = r;
    const monitor = await r.redis?.client.duplicate().monitor();
    const seen: string[] = [];
    monitor?.on('monitor', (_time: string, parts: readonly string[]) => void seen.push(parts.join(' ')));
    const { client } = r.open({
      webhooks: { secret: SECRET, allow: ['127.0.0.1'] },
      queue: { autoStart: true, attempts: 2 },
    });
    const url = `${r.audioUrl}?signature=CANARY-signature`;
    const { port } = receiver.address() as AddressInfo;
    const job = await client.enqueue(url, {
      keyterm: ['CANARY-keyterm'],
      metadata: { note: 'CANARY-metadata' },
      userId: 'user-7',
      idempotencyKey: 'CANARY-key',
      webhook: { url: `http://127.0.0.1:${port}/CANARY-path`, includeText: true },
    });
    r.emulator.faults.next({ kind: 'status', status: 503 });
    const failing = await client.enqueue(url, { idempotencyKey: 'CANARY-key-2' });
    for await (const _event of job.events());
    await failing.result().catch(() => undefined);
    const cancelled = await client.enqueue(url, { delayMs: 60_000 });
    await cancelled.cancel();
    await vi.waitFor(async () =>
      expect((await client.webhooks.list()).items[0]?.attempts).toMatchObject([{ outcome: 'failed' }]),
    );
    const all = [...seen, ...(await dump(r))].join('\n');
    expect(all.length).toBeGreaterThan(5000);
    // The monitor itself logs in before it listens.
    expect(all).toContain(job.id.slice(4, 20));
    for (const secret of ['CANARY', 'one two three', '/v1/listen', r.audioUrl]) {
      expect(all.includes(secret), secret).toBe(false);
    }
    monitor?.disconnect();
    receiver.close();
  });

  it('keeps its password to itself', async () => {
    const r = await startRig('bullmq');
    rig = r;
    const queue = openQueue(r.places);
    await queue.depth();
    expect(inspect(queue, { depth: 20, showHidden: true })).not.toContain('canary-redis-password');
    expect(inspect(r.client, { depth: 20, showHidden: true })).not.toContain('canary-redis-password');
    expect(JSON.stringify(queue) ?? '').not.toContain('canary-redis-password');
    await r.redis?.crash();
    const error = await queue.add([{ id: 'CANARY-id', priority: 0, delayMs: 0 }]).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'QueueError' });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/canary-redis-password|CANARY/);
    await queue.close();
  });
});

/** All that is in the database, as text. */
async function dump({ redis }: ProcessRig): Promise<readonly string[]> {
  const found: string[] = [];
  for (const key of (await redis?.client.keys('*')) ?? []) {
    const value = await redis?.client.dumpBuffer(key);
    found.push(`${key} ${value?.toString('latin1')}`);
  }
  return found;
}
