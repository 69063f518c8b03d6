import { describe, expect, it } from 'vitest';
import { FairOrder } from '../../src/resilience/fair-order.js';
import { Line } from '../../src/resilience/line.js';
import { randomOf } from '../adapters/storage-rig.js';

interface Item {
  readonly id: string;
  readonly priority: number;
  readonly group?: string;
}

function ofGroup(group: string, count: number, priority = 0): Item[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${group}${index}`, priority, group }));
}

function orderOf(...items: readonly Item[]): FairOrder<Item> {
  const order = new FairOrder<Item>((item) => item);
  for (const item of items) order.add(item);
  return order;
}

/** The ids of the next ones. */
function take(order: FairOrder<Item>, count: number): string[] {
  return Array.from({ length: count }, () => order.take()?.id ?? 'none');
}

const countOf = (ids: readonly string[], group: string): number =>
  ids.filter((id) => id.startsWith(group)).length;

describe('the order of entries', () => {
  it('is by priority, then those without a group, then arrival', () => {
    const order = orderOf(
      { id: 'a', priority: 1, group: 'a' },
      { id: 'late', priority: 2 },
      { id: 'b', priority: 1, group: 'b' },
      { id: 'free', priority: 1 },
      { id: 'first', priority: 0, group: 'a' },
    );
    expect(take(order, 6)).toEqual(['first', 'free', 'a', 'b', 'late', 'none']);
  });

  it('lets groups take turns, each in its own order', () => {
    const order = orderOf(...ofGroup('a', 4), ...ofGroup('b', 2), ...ofGroup('c', 1));
    expect(take(order, 8)).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'a3', 'none']);
  });

  it('lets ten entries pass ten thousand', () => {
    const order = orderOf(...ofGroup('a', 10_000));
    take(order, 500);
    for (const item of ofGroup('b', 10)) order.add(item);
    expect(countOf(take(order, 20), 'b')).toBe(10);
  });

  it('gives who comes later a head start of 100, and then as much as anybody else', () => {
    const order = orderOf(...ofGroup('a', 1000));
    take(order, 200);
    for (const item of ofGroup('b', 1000)) order.add(item);
    expect(countOf(take(order, 300), 'b')).toBe(200);
    expect(countOf(take(order, 500), 'b')).toBe(250);
  });

  it('lets a group get on where new groups join without end', () => {
    const order = orderOf(...ofGroup('a', 200));
    let joined = 0;
    const join = (): void => {
      joined += 1;
      order.add({ id: `new${joined}`, priority: 0, group: `new${joined}` });
    };
    join();
    let count = 0;
    for (let start = 0; start < 20_000; start += 1) {
      join();
      if (order.take()?.id.startsWith('a')) count += 1;
    }
    expect(count).toBeGreaterThan(90);
  });

  it('takes no turn for what was taken out', () => {
    const many = ofGroup('a', 1000);
    const order = orderOf(...many, ...ofGroup('b', 50));
    for (const item of many.slice(1)) order.delete(item);
    order.delete({ id: 'unknown', priority: 7 });
    order.delete({ id: 'unknown', priority: 0, group: 'unknown' });
    for (const item of ofGroup('aa', 2)) order.add({ ...item, group: 'a' });
    expect(take(order, 6)).toEqual(['a0', 'b0', 'aa0', 'b1', 'aa1', 'b2']);
  });

  it('forgets groups that have not waited for long', () => {
    const order = orderOf({ id: 'last', priority: 0, group: 'last' });
    for (let index = 0; index < 100_000; index += 1) {
      order.add({ id: `${index}`, priority: 0, group: `${index}` });
      order.add({ id: `${index}`, priority: 0, group: `${index}` });
      take(order, 2);
    }
    expect(order.groups).toBeLessThan(50_000);
    while (order.take() !== undefined);
    expect(order.groups).toBe(0);
  });

  it('is that of a simple model, whatever is added, taken and deleted', () => {
    const random = randomOf('fair order');
    const below = (count: number): number => Math.floor(random() * count);
    const order = new FairOrder<Item>((item) => item);
    const waiting: Item[] = [];
    for (let step = 0; step < 5000; step += 1) {
      const what = random();
      if (what < 0.5) {
        const group = ['a', 'b', 'c', undefined][below(4)];
        const item = { id: `${step}`, priority: below(3), ...(group !== undefined && { group }) };
        waiting.push(item);
        order.add(item);
      } else if (what < 0.6 && waiting.length > 0) {
        const [item] = waiting.splice(below(waiting.length), 1);
        order.delete(item as Item);
      } else {
        expectFirst(waiting, order.take());
      }
    }
    while (waiting.length > 0) expectFirst(waiting, order.take());
    expect(order.take()).toBeUndefined();
  });
});

/** No other order than by turns is known here: the smallest priority, no group before groups, the first of its group. */
function expectFirst(waiting: Item[], taken: Item | undefined): void {
  if (taken === undefined) {
    expect(waiting).toEqual([]);
    return;
  }
  const priority = Math.min(...waiting.map((item) => item.priority));
  const lane = waiting.filter((item) => item.priority === priority);
  const group = lane.some((item) => item.group === undefined) ? undefined : taken.group;
  expect(taken).toBe(lane.find((item) => item.group === group));
  waiting.splice(waiting.indexOf(taken), 1);
}

describe('a line', () => {
  it('keeps its order over many, in time that does not grow with its length', () => {
    const line = new Line<number>();
    for (let index = 0; index < 300_000; index += 1) line.push(index);
    const startedAt = performance.now();
    for (let index = 0; index < 300_000; index += 1) {
      if (line.shift() !== index) expect.fail(`${index} is not in its place`);
    }
    // 20 s where each of them moved all others.
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(line.isEmpty).toBe(true);
    expect(line.shift()).toBeUndefined();
  });

  it('lets go of any of its items', () => {
    const line = new Line<string>();
    for (const item of ['a', 'b', 'c', 'd']) line.push(item);
    for (const item of ['c', 'a', 'unknown']) line.delete(item);
    expect([line.shift(), line.shift(), line.shift()]).toEqual(['b', 'd', undefined]);
  });
});
