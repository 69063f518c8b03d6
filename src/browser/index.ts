export type {
  LiveEvent,
  LiveEventOf,
  LiveSegment,
  LiveTurn,
  Transcript,
  Word,
} from '../contracts/index.js';
export { TranscriptionError } from '../errors/index.js';
export type { ClientEvents, LiveClientEvent, LiveClientState } from './client-events.js';
export { createDirectClient, type DirectClient } from './direct-client.js';
export type { DirectClientOptions } from './direct-options.js';
export { createLiveClient, type LiveClient } from './live-client.js';
export type { LiveClientOptions } from './live-client-options.js';
export {
  createMicrophone,
  type Microphone,
  type MicrophoneEvent,
  type MicrophoneFormat,
  type MicrophoneOptions,
  type MicrophoneState,
} from './microphone.js';
export type { MicrophoneDevice } from './microphone-devices.js';
export type { MicrophoneErrorCode } from './microphone-errors.js';
export { MICROPHONE_WORKLET } from './microphone-worklet.js';
export type { TokenSupplier, WebSocketConstructor, WebSocketLike } from './web-socket.js';
