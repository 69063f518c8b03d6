import type { LiveEvent } from '../contracts/index.js';

/** Of the connection to the bridge. That of the bridge to Deepgram has events of its own. */
export type LiveClientState = 'connecting' | 'open' | 'reconnecting' | 'closed';

export type LiveClientEvent =
  | LiveEvent
  | { readonly type: 'state'; readonly state: LiveClientState }
  /** The way to the bridge and back. */
  | { readonly type: 'latency'; readonly milliseconds: number };

export type LiveClientEventOf<Type extends LiveClientEvent['type']> = Extract<
  LiveClientEvent,
  { type: Type }
>;
