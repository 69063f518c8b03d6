export { encryptAudioStore } from './audio-store.js';
export type { EncryptionKeys } from './key-ring.js';
export type { RotateOptions } from './rotate.js';
export { type EncryptedStorage, type EncryptedStorageOptions, encryptStorage } from './storage.js';
