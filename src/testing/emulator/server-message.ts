import type { FluxMessage } from './flux-messages.js';
import type { LiveMessage } from './live-messages.js';

/** Every message that the emulator sends on a live stream where no fault says otherwise. */
export type ServerMessage = LiveMessage | FluxMessage;
