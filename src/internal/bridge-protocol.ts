/** The subprotocol of the WebSocket between a browser and the bridge. */
export const BRIDGE_PROTOCOL = 'transcription.v1';

/** Bytes before the audio in a binary message: its position, an unsigned big-endian number of 64 bits. */
export const POSITION_BYTES = 8;
