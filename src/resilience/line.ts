/** So many taken items are kept before the array is cut: shifting a long array would copy it each time. */
const MOST_TAKEN = 1000;

/** First in, first out. */
export class Line<Item> {
  #items: Item[] = [];
  /** Those before this index were taken. */
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#items.length;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    if (this.isEmpty) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined as Item;
    this.#first += 1;
    if (this.isEmpty || (this.#first > MOST_TAKEN && this.#first * 2 > this.#items.length)) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  delete(item: Item): void {
    const index = this.#items.indexOf(item, this.#first);
    if (index === this.#first) this.shift();
    else if (index !== -1) this.#items.splice(index, 1);
  }
}
