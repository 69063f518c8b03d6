import { Line } from './line.js';

/**
 * Turns of groups, as whole numbers, so that they can be kept in a database. The entries of a group take turns that
 * are one round apart.
 */
export const ROUND = 100;
/** How far behind the others a group may begin that has not run for a while: as a head start of so many rounds. */
export const CREDIT = 100 * ROUND;

/** The turn of a group whose next entry begins to wait. `earliest` is what its last entry left, where it is known. */
export function turnOf(now: number, earliest: number | undefined): number {
  return Math.max(now - CREDIT, earliest ?? Number.NEGATIVE_INFINITY);
}

/**
 * Where the rounds are once an entry with this turn has started. Each start moves them on, so that a group gets on
 * even where new groups join without end, and old ones can be forgotten.
 */
export function nowAfter(now: number, turn: number): number {
  return Math.max(now + 1, turn);
}

/** What `turnOf()` says of a group that is as far behind is what it says of one that is not known. */
function isForgettable(now: number, earliest: number): boolean {
  return earliest <= now - CREDIT;
}

export interface Ordered {
  readonly priority: number;
  readonly group?: string;
}

/**
 * What waits, in the order in which it should start: small priorities first; within a priority what has no group,
 * then the groups in turns; within a group the order of arrival.
 */
export class FairOrder<Item> {
  readonly #placeOf: (item: Item) => Ordered;
  /** Those in which something waits, smallest priority first. */
  readonly #lanes: Lane<Item>[] = [];

  constructor(placeOf: (item: Item) => Ordered) {
    this.#placeOf = placeOf;
  }

  add(item: Item): void {
    const { priority, group } = this.#placeOf(item);
    const index = indexAfter(this.#lanes, (lane) => lane.priority < priority);
    let lane = this.#lanes[index];
    if (lane?.priority !== priority) {
      lane = new Lane(priority);
      this.#lanes.splice(index, 0, lane);
    }
    lane.add(item, group);
  }

  take(): Item | undefined {
    const [lane] = this.#lanes;
    const item = lane?.take();
    // What is known of its groups goes as well: nobody waits to whom they could be unfair.
    if (lane?.isEmpty) this.#lanes.shift();
    return item;
  }

  /** How many groups it remembers: the last ones, over all priorities. */
  get groups(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.groups, 0);
  }

  /** Takes out an item that waits. It uses up no turn. */
  delete(item: Item): void {
    const { priority, group } = this.#placeOf(item);
    const index = this.#lanes.findIndex((each) => each.priority === priority);
    const lane = this.#lanes[index];
    lane?.delete(item, group);
    if (lane?.isEmpty) this.#lanes.splice(index, 1);
  }
}

interface Group<Item> {
  readonly waiting: Line<Item>;
  turn: number;
}

/** How many groups a lane knows before it looks for those that it can forget. */
const FEW_GROUPS = 1000;

/** What waits with one priority. */
class Lane<Item> {
  readonly priority: number;
  readonly #withoutGroup = new Line<Item>();
  readonly #groups = new Map<string, Group<Item>>();
  /** Groups in which something waits, by their turns. */
  readonly #inTurn: Group<Item>[] = [];
  #now = 0;
  #manyGroups = FEW_GROUPS;

  constructor(priority: number) {
    this.priority = priority;
  }

  get isEmpty(): boolean {
    return this.#withoutGroup.isEmpty && this.#inTurn.length === 0;
  }

  get groups(): number {
    return this.#groups.size;
  }

  add(item: Item, name: string | undefined): void {
    if (name === undefined) this.#withoutGroup.push(item);
    else this.#addTo(this.#group(name), item);
  }

  take(): Item | undefined {
    if (!this.#withoutGroup.isEmpty) return this.#withoutGroup.shift();
    const group = this.#inTurn.shift();
    if (group === undefined) return undefined;
    const item = group.waiting.shift();
    this.#now = nowAfter(this.#now, group.turn);
    group.turn += ROUND;
    if (!group.waiting.isEmpty) this.#line(group);
    if (this.#groups.size > this.#manyGroups) this.#forget();
    return item;
  }

  delete(item: Item, name: string | undefined): void {
    if (name === undefined) {
      this.#withoutGroup.delete(item);
      return;
    }
    const group = this.#group(name);
    if (group.waiting.isEmpty) return;
    group.waiting.delete(item);
    if (group.waiting.isEmpty) this.#inTurn.splice(this.#inTurn.indexOf(group), 1);
    if (this.#groups.size > this.#manyGroups) this.#forget();
  }

  #addTo(group: Group<Item>, item: Item): void {
    const isFirst = group.waiting.isEmpty;
    group.waiting.push(item);
    if (isFirst) this.#line(group);
  }

  /** Lets the group wait for its turn, behind those that have the same one. */
  #line(group: Group<Item>): void {
    group.turn = turnOf(this.#now, group.turn);
    const index = indexAfter(this.#inTurn, (each) => each.turn <= group.turn);
    this.#inTurn.splice(index, 0, group);
  }

  #group(name: string): Group<Item> {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { waiting: new Line(), turn: turnOf(this.#now, undefined) };
      this.#groups.set(name, group);
    }
    return group;
  }

  #forget(): void {
    for (const [name, { waiting, turn }] of this.#groups) {
      if (waiting.isEmpty && isForgettable(this.#now, turn)) this.#groups.delete(name);
    }
    this.#manyGroups = Math.max(FEW_GROUPS, 2 * this.#groups.size);
  }
}

/** How many of the sorted items come before: all for which it holds. */
function indexAfter<Item>(items: readonly Item[], isBefore: (item: Item) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(items[middle] as Item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
