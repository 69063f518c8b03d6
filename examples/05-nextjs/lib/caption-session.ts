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

/** What is left of captions that have been open. */
export interface CaptionsEnd {
  readonly type: 'end';
  /** By a stop of this page, by one that did not wait for the last words, or by itself. */
  readonly by: 'stop' | 'give-up' | 'itself';
  /** The recording is kept with it. Undefined where this page knows of no transcript. */
  readonly transcriptId: string | undefined;
  /** Where there is no transcript to keep it with: nobody else has it. */
  readonly recording: Blob | undefined;
}

export type CaptionEvent =
  | CaptionsEnd
  | Extract<MicrophoneEvent, { type: 'level' | 'error' }>
  | Extract<LiveClientEvent, { type: 'state' | 'interim' | 'final' | 'error' }>;

/** From the click on Start to the last word. */
export class CaptionSession {
  readonly microphone: Microphone;
  readonly #onEvent: (event: CaptionEvent) => void;
  readonly #stopping = new AbortController();
  readonly #recorded: Uint8Array<ArrayBuffer>[] = [];
  #live: LiveClient | undefined;
  #by: CaptionsEnd['by'] = 'itself';

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

  /** Waits for the last words. What came of them is an event. */
  async stop(): Promise<void> {
    this.#by = 'stop';
    this.#stopping.abort();
    if (!this.isOpen) this.#live?.abort();
    await this.microphone.stop();
    await this.#live?.finish().catch(() => undefined);
  }

  /** Waits no longer. */
  giveUp(): void {
    this.#by = 'give-up';
    this.#live?.abort();
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
    for (const type of ['state', 'interim', 'final'] as const) live.on(type, this.#onEvent);
    live.on('error', (event) => {
      // Whoever gives up knows it.
      if (this.#by !== 'give-up') this.#onEvent(event);
    });
    live.on('end', ({ transcript }) => this.#end(transcript?.id));
    // What was said since the microphone is on.
    for (const chunk of this.#recorded) void live.send(chunk);
    this.#live = live;
  }

  #end(transcriptId: string | undefined): void {
    void this.microphone.stop();
    const recording = this.#recording();
    if (transcriptId !== undefined && recording !== undefined) {
      // Without it the transcript has no player, and is there all the same.
      keepRecording(transcriptId, recording).catch(() => undefined);
    }
    this.#onEvent({
      type: 'end',
      by: this.#by,
      transcriptId,
      recording: transcriptId === undefined ? recording : undefined,
    });
  }

  #recording(): Blob | undefined {
    const { sample_rate, channels } = this.microphone.format;
    if (sample_rate === undefined || this.#recorded.length === 0) return undefined;
    return wavOf(this.#recorded, sample_rate, channels);
  }
}
