/** Makes a value at the first use and keeps it. What failed is tried again at the next use. */
export class Lazy<Value> {
  readonly #make: () => Promise<Value>;
  #making: Promise<Value> | undefined;
  #made: { readonly value: Value } | undefined;

  constructor(make: () => Promise<Value>) {
    this.#make = make;
  }

  /** Undefined until it is made. */
  get value(): Value | undefined {
    return this.#made?.value;
  }

  get(): Promise<Value> {
    this.#making ??= this.#run();
    return this.#making;
  }

  /** Waits where it is being made; undefined where nobody has asked for it, or where it failed. Never rejects. */
  async peek(): Promise<Value | undefined> {
    return this.#making?.catch(() => undefined);
  }

  async #run(): Promise<Value> {
    try {
      const value = await this.#make();
      this.#made = { value };
      return value;
    } catch (error) {
      this.#making = undefined;
      throw error;
    }
  }
}
