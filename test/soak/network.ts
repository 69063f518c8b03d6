import { type FaultProxy, startFaultProxy } from 'transcription-client/testing';
import type { NetworkPlan } from './fault-plan.js';

/** One proxy for each lane, so that a call's faults hit no other call. */
export interface Lanes extends AsyncDisposable {
  close(): Promise<void>;
  readonly proxies: readonly FaultProxy[];
  /** Lets a call go through its lane's proxy while the plan's faults happen to it. */
  disturb<Result>(lane: number, plan: NetworkPlan, run: () => Promise<Result>): Promise<Result>;
}

export async function startLanes(target: string, count: number): Promise<Lanes> {
  const proxies = await Promise.all(Array.from({ length: count }, () => startFaultProxy({ target })));
  const close = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  };
  return {
    proxies,
    close,
    async disturb(lane, { faults, cut, healAfterMs }, run) {
      const proxy = proxies[lane];
      if (!proxy) throw new RangeError(`There is no lane ${lane}.`);
      const timers: NodeJS.Timeout[] = [];
      proxy.set(faults);
      if (cut) {
        const act = () => (cut.how === 'reset' ? proxy.reset() : proxy.halfClose(cut.how));
        timers.push(setTimeout(act, cut.afterMs));
      }
      if (healAfterMs !== undefined) timers.push(setTimeout(() => proxy.heal(), healAfterMs));
      try {
        return await run();
      } finally {
        for (const timer of timers) clearTimeout(timer);
        proxy.heal();
      }
    },
    [Symbol.asyncDispose]: close,
  };
}
