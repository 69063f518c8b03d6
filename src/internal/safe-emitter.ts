import { EventEmitter } from 'eventemitter3';
import { BadRequestError } from '../errors/index.js';

type Listener<Event> = (event: Event) => unknown;

/**
 * An event emitter whose listeners cannot harm the one who emits: what a listener throws, or rejects with, is
 * reported, and the other listeners still hear the event. Events reach all listeners in the order in which
 * they were emitted, also where a listener causes the next one. A listener that is no function is refused with
 * a BadRequestError.
 */
export class SafeEmitter<Event extends { readonly type: string }> {
  readonly #emitter = new EventEmitter<string>();
  readonly #onFailure: (error: unknown, type: string) => void;
  /** The guarded form of each listener, so that it can be taken off again. */
  readonly #guarded = new WeakMap<object, Listener<Event>>();
  readonly #pending: Event[] = [];
  #isEmitting = false;

  constructor(onFailure: (error: unknown, type: string) => void) {
    this.#onFailure = onFailure;
  }

  on(type: Event['type'], listener: Listener<never>): void {
    checkListener(type, listener);
    this.#emitter.on(type, this.#guard(listener));
  }

  once(type: Event['type'], listener: Listener<never>): void {
    checkListener(type, listener);
    this.#emitter.once(type, this.#guard(listener));
  }

  off(type: Event['type'], listener: Listener<never>): void {
    checkListener(type, listener);
    this.#emitter.off(type, this.#guard(listener));
  }

  emit(event: Event): void {
    this.#pending.push(event);
    if (this.#isEmitting) return;
    this.#isEmitting = true;
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      this.#emitter.emit(next.type, next);
    }
    this.#isEmitting = false;
  }

  removeAll(): void {
    this.#emitter.removeAllListeners();
  }

  #guard(listener: Listener<never>): Listener<Event> {
    const known = this.#guarded.get(listener);
    if (known !== undefined) return known;
    const guarded = (event: Event): void => {
      try {
        const result = (listener as Listener<Event>)(event);
        if (result instanceof Promise) result.catch((error: unknown) => this.#onFailure(error, event.type));
      } catch (error) {
        this.#onFailure(error, event.type);
      }
    };
    this.#guarded.set(listener, guarded);
    return guarded;
  }
}

function checkListener(type: string, listener: unknown): void {
  if (typeof listener === 'function') return;
  throw new BadRequestError(`The listener of ${type} must be a function.`, { code: 'invalid_option' });
}
