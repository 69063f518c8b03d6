import {
  createLiveClient,
  createMicrophone,
  type LiveClient,
  type LiveClientEvent,
  type Microphone,
  type MicrophoneEvent,
} from 'transcription-client/browser';
import type { StreamAnswer } from 'transcription-client/http-client';
import { speechApi } from './api';
import { keepRecording } from './recordings';
import { wavOf } from './wav';

export type CaptionEvent =
  | Extract<MicrophoneEvent, { type: 'level' | 'error' }>
  | Extract<LiveClientEvent, { type: 'state' | 'interim' | 'final' | 'error' }>;

/** From the click on Start to the last word. */
export class CaptionSession {
  readonly microphone: Microphone;
  readonly #onEvent: (event: CaptionEvent) => void;
  readonly #stopping = new AbortController();
  readonly #recorded: Uint8Array<ArrayBuffer>[] = [];
  #live: LiveClient | undefined;

  constructor(onEvent: (event: CaptionEvent) => void) {
    this.#onEvent = onEvent;
    this.microphone = createMicrophone({
      // Safe on every browser with audio worklets, and a recording that needs no other codec.
      capture: 'pcm',
      onAudio: (chunk) => {
        this.#recorded.push(new Uint8Array(chunk));
        void this.#live?.send(chunk);
      },
    });
    this.microphone.on('level', onEvent).on('error', onEvent);
  }

  /** It has been heard by the bridge. Before that, a stop leaves nothing behind. */
  get isOpen(): boolean {
    return this.#live !== undefined && this.#live.state !== 'connecting';
  }

  /**
   * The microphone comes first: without one nothing is opened, and no transcript is stored. Rejects where there is none,
   * where the server offers no stream, and where `stop()` came first.
   */
  async start(): Promise<void> {
    try {
      await this.microphone.start();
      const offer = await speechApi.streamOffer(this.#stopping);
      this.#stopping.signal.throwIfAborted();
      this.#connect(offer);
    } catch (why) {
      await this.microphone.stop();
      throw why;
    }
  }

  /** Waits for the last words, and returns the id of their transcript, if there is one. */
  async stop(): Promise<string | undefined> {
    this.#stopping.abort();
    if (!this.isOpen) this.#live?.abort();
    await this.microphone.stop();
    // Its failure came as an event.
    const transcript = await this.#live?.finish().catch(() => undefined);
    return transcript?.id;
  }

  #connect(offer: StreamAnswer): void {
    let firstToken: string | undefined = offer.token;
    const live = createLiveClient({
      url: offer.url,
      options: this.microphone.format,
      // A token lives for a minute: a connection later on gets another one.
      async token() {
        const token = firstToken ?? (await speechApi.streamOffer()).token;
        firstToken = undefined;
        return token;
      },
    });
    for (const type of ['state', 'interim', 'final', 'error'] as const) live.on(type, this.#onEvent);
    live.on('end', ({ transcript }) => {
      void this.microphone.stop();
      if (transcript !== undefined) this.#keepRecording(transcript.id);
    });
    // What was said since the microphone is on.
    for (const chunk of this.#recorded) void live.send(chunk);
    this.#live = live;
  }

  #keepRecording(transcriptId: string): void {
    const { sample_rate, channels } = this.microphone.format;
    if (sample_rate === undefined) return;
    // Without it the transcript has no player, and is there all the same.
    keepRecording(transcriptId, wavOf(this.#recorded, sample_rate, channels)).catch(() => undefined);
  }
}
