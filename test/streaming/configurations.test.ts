import { expect, test } from 'vitest';
import { Configurations } from '../../src/streaming/configurations.js';
import { FakeTransport } from '../support/fake-live-transport.js';
import { ManualClock } from '../support/manual-clock.js';

function start() {
  const clock = new ManualClock();
  const transport = new FakeTransport('flux');
  const configurations = new Configurations(clock);
  const handlers = {
    onOpen: () => undefined,
    onMessage: () => undefined,
    onWarning: () => undefined,
    onPong: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
  };
  /** What a new connection is told. */
  const reconnect = () => {
    configurations.lost();
    const connection = transport.connect(handlers);
    configurations.attach(connection);
    return connection.configurations;
  };
  return { clock, configurations, reconnect };
}

test('each new connection is told once what was accepted, answered or not', async () => {
  const { clock, configurations, reconnect } = start();
  reconnect();
  const added = configurations.add({ keyterms: ['a'] });
  configurations.answered();
  await added;
  for (const isAnswered of [false, false, true, false]) {
    expect(reconnect()).toEqual([{ keyterms: ['a'] }]);
    if (isAnswered) configurations.answered();
  }
  configurations.lost();
  expect(clock.pendingTimers).toBe(0);
});

test('what waits for its answer follows what was accepted, and is answered', async () => {
  const { configurations, reconnect } = start();
  reconnect();
  void configurations.add({ keyterms: ['a'], thresholds: { eot_threshold: 0.6 } });
  configurations.answered();
  const added = configurations.add({ thresholds: { eot_timeout_ms: 900 } });
  const first = { keyterms: ['a'], thresholds: { eot_threshold: 0.6 } };
  const second = { thresholds: { eot_timeout_ms: 900 } };
  for (let time = 0; time < 3; time += 1) expect(reconnect()).toEqual([first, second]);
  configurations.answered();
  configurations.answered();
  await added;
  const both = { keyterms: ['a'], thresholds: { eot_threshold: 0.6, eot_timeout_ms: 900 } };
  expect(reconnect()).toEqual([both]);
});
