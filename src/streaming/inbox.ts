import type { LiveEvent, LiveEventOf } from '../contracts/index.js';
import { type LiveMessage, mapLiveMessage } from '../deepgram/map-live.js';
import type { TranscriptBuilder } from './transcript-builder.js';

export interface InboxHooks {
  onEvent(event: LiveEvent): void;
  /** Results that answer a Finalize. */
  onFinalized(channel: number, channels: number): void;
  /** The last message of a stream. */
  onMetadata(): void;
}

type Results = Extract<LiveMessage, { kind: 'results' }>;

/** Where a channel stands: whether an interim is being shown, and whether its utterance has begun. */
interface ChannelState {
  interimShown: boolean;
  utteranceOpen: boolean;
}

/** Turns Deepgram's messages into events, and keeps the finals for the transcript. */
export class Inbox {
  readonly #builder: TranscriptBuilder;
  readonly #hooks: InboxHooks;
  readonly #channels = new Map<number, ChannelState>();
  readonly #unknownTypes = new Set<string>();
  #finals = 0;
  #interims = 0;

  constructor(builder: TranscriptBuilder, hooks: InboxHooks) {
    this.#builder = builder;
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
        this.#results(mapped, message);
        return;
      case 'metadata':
        this.#builder.addRequestId(mapped.requestId);
        this.#builder.addChannels(mapped.channels);
        this.#builder.addMetadata(mapped.durationSeconds, message);
        this.#hooks.onMetadata();
        return;
      case 'speech-start':
        this.#hooks.onEvent({ type: 'speech-start', channel: mapped.channel, at: mapped.at });
        return;
      case 'utterance-end':
        this.#endUtterance(mapped);
        return;
      case 'warning':
        this.#hooks.onEvent({ type: 'warning', code: mapped.code, message: mapped.message });
        return;
      case 'unknown':
        this.#unknown(mapped.type);
    }
  }

  #results(results: Results, message: unknown): void {
    const { segment, isFinal, speechFinal } = results;
    this.#builder.addRequestId(results.requestId);
    this.#builder.addChannels(results.channels);
    this.#builder.addTime(segment.end);
    if (isFinal) this.#builder.addFinal(segment, speechFinal, message);
    const event = isFinal ? this.#final(results) : this.#interim(results);
    if (event !== undefined) this.#hooks.onEvent(event);
    if (results.fromFinalize) this.#hooks.onFinalized(segment.channel, results.channels);
  }

  /** Silence is no event, unless it takes back an interim or ends an utterance. */
  #final({ segment, speechFinal, fromFinalize }: Results): LiveEventOf<'final'> | undefined {
    const state = this.#state(segment.channel);
    const silent = segment.text.trim() === '';
    const worthTelling = !silent || state.interimShown || (speechFinal && state.utteranceOpen);
    state.interimShown = false;
    state.utteranceOpen = !speechFinal && (state.utteranceOpen || !silent);
    if (!worthTelling) return undefined;
    this.#finals += 1;
    return { type: 'final', ...segment, speechFinal, fromFinalize };
  }

  #interim({ segment }: Results): LiveEventOf<'interim'> | undefined {
    const state = this.#state(segment.channel);
    const silent = segment.text.trim() === '';
    const worthTelling = !silent || state.interimShown;
    state.interimShown = !silent;
    if (!worthTelling) return undefined;
    this.#interims += 1;
    return { type: 'interim', ...segment };
  }

  #endUtterance({ channel, lastWordEnd }: Extract<LiveMessage, { kind: 'utterance-end' }>): void {
    this.#builder.endUtterance(channel);
    this.#state(channel).utteranceOpen = false;
    this.#hooks.onEvent({ type: 'utterance-end', channel, lastWordEnd });
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
    const state = { interimShown: false, utteranceOpen: false };
    this.#channels.set(channel, state);
    return state;
  }
}
