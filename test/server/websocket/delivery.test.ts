import { expect, test } from 'vitest';
import type { BridgeEvent } from '../../../src/contracts/index.js';
import type { Connection } from '../../../src/server/websocket/connection.js';
import { Delivery } from '../../../src/server/websocket/delivery.js';
import { EventLog } from '../../../src/server/websocket/event-log.js';
import { final } from './fake-client.js';

const MAX_BYTES = 2000;

test('what was there when a browser came back does not count against it, what comes since does', () => {
  const connection = { isOpen: true, bufferedAmount: MAX_BYTES, sendText: () => undefined } as unknown;
  const log = new EventLog();
  for (let i = 0; i < 100; i++) log.append(final('before') as BridgeEvent);
  const delivery = new Delivery(log, connection as Connection, 0, MAX_BYTES);
  delivery.flush();
  expect(delivery.isTooSlow).toBe(false);
  let since = 0;
  while (!delivery.isTooSlow && since < 1000) {
    log.append(final('since') as BridgeEvent);
    delivery.flush();
    since += 1;
  }
  expect(log.bytesAfter(100)).toBeGreaterThan(MAX_BYTES);
  expect(log.bytesAfter(101)).toBeLessThanOrEqual(MAX_BYTES);
});
