import type { LiveEventOf, LiveSegment } from '../contracts/index.js';
import { type LiveMessage, mapLiveMessage } from '../deepgram/map-live.js';
import type { Receiver, ReceiverHooks } from './receiver.js';
import type { Timeline } from './timeline.js';
import type { TranscriptBuilder } from './transcript-builder.js';

type Results = Extract<LiveMessage, { kind: 'results' }>;

/** Where a channel stands: whether an interim is being shown, and whether its utterance has begun. */
interface ChannelState {
  /** The interim that is shown. */
  interim: LiveSegment | undefined;
  utteranceOpen: boolean;
  /** When speech last began and utterances last ended, so that a replay tells neither again. */
  speechStartedAt: number;
  utteranceEndedAt: number;
}

/** Two times that a replay gives for the same thing differ by less. */
const SAME_SECONDS = 0.1;

/** Turns the messages of `/v1/listen` into events, and keeps the finals for the transcript. */
export class Inbox implements Receiver {
  readonly #builder: TranscriptBuilder;
  readonly #hooks: ReceiverHooks;
  readonly #timeline: Timeline;
  readonly #channels = new Map<number, ChannelState>();
  readonly #unknownTypes = new Set<string>();
  #finals = 0;
  #interims = 0;

  constructor(builder: TranscriptBuilder, timeline: Timeline, hooks: ReceiverHooks) {
    this.#builder = builder;
    this.#timeline = timeline;
    this.#hooks = hooks;
  }

  get finals(): number {
    return this.#finals;
  }

  get interims(): number {
    return this.#interims;
  }

  receive(message: Readonly<Record<string, unknown>>, connection: number): void {
    const mapped = mapLiveMessage(message, connection);
    switch (mapped.kind) {
      case 'results':
        this.#results(mapped, message, connection);
        return;
      case 'metadata':
        this.#builder.addRequestId(mapped.requestId);
        this.#builder.addChannels(mapped.channels);
        this.#builder.addMetadata(this.#placed(mapped.durationSeconds, connection), message);
        this.#hooks.onMetadata();
        return;
      case 'speech-start':
        this.#startSpeech(mapped.channel, this.#timeline.place(connection, mapped.at));
        return;
      case 'utterance-end':
        this.#endUtterance(mapped, connection);
        return;
      case 'warning':
        this.#hooks.onEvent({ type: 'warning', code: mapped.code, message: mapped.message });
        return;
      case 'unknown':
        this.#unknown(mapped.type);
    }
  }

  /** No final will come for what is still an interim: it is the best that is known. */
  end(): void {
    for (const state of this.#channels.values()) {
      const { interim } = state;
      // A repair tells it. It is asked for again when all repairs are through: they may have failed.
      if (interim === undefined || this.#timeline.isRepaired((interim.start + interim.end) / 2)) continue;
      state.interim = undefined;
      this.#builder.addRepair(interim);
      this.#finals += 1;
      this.#hooks.onEvent({ type: 'final', ...interim, speechFinal: true, fromFinalize: false });
    }
  }

  #results(results: Results, message: unknown, connection: number): void {
    const { isFinal, speechFinal, channels } = results;
    const segment = this.#timeline.move(results.segment, connection);
    this.#builder.addRequestId(results.requestId);
    this.#builder.addChannels(channels);
    this.#builder.addTime(segment.end);
    if (isFinal) this.#builder.addFinal(segment, speechFinal, message);
    const event = isFinal ? this.#final(results, segment) : this.#interim(segment);
    if (event !== undefined) this.#hooks.onEvent(event);
    if (isFinal) this.#hooks.onFinalUntil(segment.channel, segment.end, channels);
    if (results.fromFinalize) this.#hooks.onFinalized(segment.channel, channels);
  }

  /** Silence is no event, unless it takes back an interim or ends an utterance. */
  #final({ speechFinal, fromFinalize }: Results, segment: LiveSegment): LiveEventOf<'final'> | undefined {
    const state = this.#state(segment.channel);
    const silent = segment.text.trim() === '';
    const worthTelling = !silent || state.interim !== undefined || (speechFinal && state.utteranceOpen);
    state.interim = undefined;
    state.utteranceOpen = !speechFinal && (state.utteranceOpen || !silent);
    if (!worthTelling) return undefined;
    this.#finals += 1;
    return { type: 'final', ...segment, speechFinal, fromFinalize };
  }

  #interim(segment: LiveSegment): LiveEventOf<'interim'> | undefined {
    const state = this.#state(segment.channel);
    const silent = segment.text.trim() === '';
    const worthTelling = !silent || state.interim !== undefined;
    state.interim = silent ? undefined : segment;
    if (!worthTelling) return undefined;
    this.#interims += 1;
    return { type: 'interim', ...segment };
  }

  #startSpeech(channel: number, at: number): void {
    const state = this.#state(channel);
    if (at <= state.speechStartedAt + SAME_SECONDS) return;
    state.speechStartedAt = at;
    this.#hooks.onEvent({ type: 'speech-start', channel, at });
  }

  #endUtterance(
    { channel, lastWordEnd: end }: Extract<LiveMessage, { kind: 'utterance-end' }>,
    connection: number,
  ): void {
    const state = this.#state(channel);
    // -1 says that no word was heard since the utterance before.
    const lastWordEnd = end < 0 ? end : this.#timeline.place(connection, end);
    if (lastWordEnd >= 0 && lastWordEnd <= state.utteranceEndedAt + SAME_SECONDS) return;
    state.utteranceEndedAt = Math.max(state.utteranceEndedAt, lastWordEnd);
    this.#builder.endUtterance(channel);
    state.utteranceOpen = false;
    this.#hooks.onEvent({ type: 'utterance-end', channel, lastWordEnd });
  }

  #placed(seconds: number | undefined, connection: number): number | undefined {
    return seconds === undefined ? undefined : this.#timeline.place(connection, seconds);
  }

  #unknown(type: string): void {
    // A server that invents types without end must not fill the memory.
    if (this.#unknownTypes.has(type) || this.#unknownTypes.size >= 100) return;
    this.#unknownTypes.add(type);
    this.#hooks.onEvent({
      type: 'warning',
      code: 'unknown_message',
      message: `Deepgram sent a message of the type ${type}, which this version does not know. Such messages are left out.`,
    });
  }

  #state(channel: number): ChannelState {
    const known = this.#channels.get(channel);
    if (known !== undefined) return known;
    const state = {
      interim: undefined,
      utteranceOpen: false,
      speechStartedAt: Number.NEGATIVE_INFINITY,
      utteranceEndedAt: Number.NEGATIVE_INFINITY,
    };
    this.#channels.set(channel, state);
    return state;
  }
}
