import type { ClientEvent } from './events.js';

/**
 * Sees every client event, in order. What it throws is reported to the logger and changes nothing else.
 *
 * @experimental The shape may change until a second adapter exists.
 */
export interface MetricsHook {
  onEvent(event: ClientEvent): void;
  close?(): Promise<void>;
}
