import { it } from 'vitest';
import { createRedisLimits } from '../../src/adapters/redis/index.js';
import { startRedis } from '../support/redis-server.mjs';
import { take, takeAll, until, outcomeWithin } from './redis-rig.js';
it('x', async () => {
  const s = await startRedis();
  const mon = await s.client.monitor();
  const t0 = performance.now();
  mon.on('monitor', (_t: string, a: string[], src: string) => { if (src !== 'lua') console.log((performance.now() - t0).toFixed(0), a[0], ...a.slice(-8).map((x) => x.slice(-14))); });
  const a = createRedisLimits({ connection: s.url, maxConcurrent: 6, commandTimeoutMs: 300 });
  const b = createRedisLimits({ connection: s.url, maxConcurrent: 6, commandTimeoutMs: 300 });
  for (const l of [a, b, a, b]) (await take(l)).release();
  s.freeze();
  console.log('frozen', performance.now() - t0);
  const leases = [...(await takeAll(a, 3)), ...(await takeAll(b, 3))];
  for (const l of [a, b]) { const c = new AbortController(); console.log(await outcomeWithin(take(l, { signal: c.signal }), 400)); c.abort(); }
  s.thaw();
  console.log('thaw', performance.now() - t0);
  for (const l of leases) l.release();
  for (let i = 0; i < 6; i++) { await take(a); console.log('took', i, performance.now() - t0); }
  const held = (await s.client.keys('*:held'))[0] ?? '';
  console.log(await s.client.zrange(held, 0, -1, 'WITHSCORES'), Date.now());
  await a.close?.(); await b.close?.(); mon.disconnect(); await s.close();
}, 20000);
