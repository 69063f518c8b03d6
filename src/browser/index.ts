export type {
  LiveEvent,
  LiveEventOf,
  LiveSegment,
  LiveTurn,
  Transcript,
  Word,
} from '../contracts/index.js';
export { TranscriptionError } from '../errors/index.js';
export { createLiveClient, type LiveClient } from './live-client.js';
export type { LiveClientEvent, LiveClientState } from './live-client-events.js';
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
export type { MicrophoneError, MicrophoneErrorCode } from './microphone-errors.js';
export { MICROPHONE_WORKLET } from './microphone-worklet.js';
export type { TokenSupplier, WebSocketConstructor, WebSocketLike } from './web-socket.js';
