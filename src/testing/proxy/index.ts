export {
  type FaultProxy,
  type FaultProxyOptions,
  type ProxyConnections,
  type ProxyTraffic,
  startFaultProxy,
} from './fault-proxy.js';
export type { DirectionFaults, FaultDirection, FaultScope, ProxyFaults } from './faults.js';
export type { FaultProxyTarget } from './target.js';
