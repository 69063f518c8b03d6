/** What the close frames of live streams say. */
export const closeReasons = {
  badAudio: (detail: string) => `DATA-0000: ${detail}. See https://dpgr.am/data0000`,
  failed: 'NET-0000: the emulator failed to recognise the audio. See https://dpgr.am/net0000',
  idle: 'NET-0001: no audio in time; before the first audio KeepAlive does not count. See https://dpgr.am/net0001',
  tooFast: 'The audio came faster than real time allows.',
  unreadable: 'DATA-0000: a text message could not be read',
} as const;
