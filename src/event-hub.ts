import type { ClientEvent, ClientEventMap, Logger, MetricsHook } from './contracts/index.js';
import { SafeEmitter } from './internal/safe-emitter.js';

/**
 * Hands every client event to the listeners, the metrics hooks and the logger.
 *
 * Whatever one of them throws, the call that is being reported goes on.
 */
export class EventHub {
  readonly #emitter = new SafeEmitter<ClientEvent>((error, type) =>
    this.#report(`listener of ${type}`, error),
  );
  readonly #metrics: readonly MetricsHook[];
  readonly #logger: Logger | undefined;

  constructor(metrics: readonly MetricsHook[], logger: Logger | undefined) {
    this.#metrics = metrics;
    this.#logger = logger;
  }

  on<Type extends ClientEvent['type']>(type: Type, listener: ClientEventMap[Type]): void {
    this.#emitter.on(type, listener);
  }

  once<Type extends ClientEvent['type']>(type: Type, listener: ClientEventMap[Type]): void {
    this.#emitter.once(type, listener);
  }

  off<Type extends ClientEvent['type']>(type: Type, listener: ClientEventMap[Type]): void {
    this.#emitter.off(type, listener);
  }

  // Hooks and logger first: what a listener causes must not reach them before its cause.
  readonly emit = (event: ClientEvent): void => {
    for (const hook of this.#metrics) this.#tell(hook, event);
    if (this.#logger !== undefined) {
      const { type, ...fields } = event;
      const level = type === 'warning' || type === 'storage-failure' ? 'warn' : 'debug';
      this.#write(level, `transcription-client: ${type}`, fields);
    }
    this.#emitter.emit(event);
  };

  /** Ends the hooks. Each gets its chance, whatever the others do. */
  async close(): Promise<void> {
    for (const hook of this.#metrics) {
      try {
        await hook.close?.();
      } catch (error) {
        this.#report('metrics hook', error);
      }
    }
    this.#emitter.removeAll();
  }

  #tell(hook: MetricsHook, event: ClientEvent): void {
    try {
      const result: unknown = hook.onEvent(event);
      // A hook may be an async function, whatever its type says.
      if (result instanceof Promise) result.catch((error: unknown) => this.#report('metrics hook', error));
    } catch (error) {
      this.#report('metrics hook', error);
    }
  }

  #report(what: string, error: unknown): void {
    const name = error instanceof Error ? error.name : typeof error;
    this.#write('error', `transcription-client: a ${what} failed`, { error: name });
  }

  #write(
    level: 'debug' | 'warn' | 'error',
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    try {
      this.#logger?.[level](message, fields);
    } catch {
      // A logger that fails has nowhere left to be reported to.
    }
  }
}
