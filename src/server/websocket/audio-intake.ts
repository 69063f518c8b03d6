import { type AudioFrame, BadMessage } from './requests.js';
import type { BridgeLive } from './types.js';

/** With more than this on the way to Deepgram, the browser has to wait. */
const HIGH_WATER_BYTES = 131_072;
const LOW_WATER_BYTES = 32_768;

type Task = { readonly type: 'audio'; readonly audio: Uint8Array } | { readonly type: 'finalize' | 'finish' };

export interface IntakeListener {
  onHold(): void;
  onRelease(): void;
}

/** What a browser sends, in its order, as fast as the live session takes it. */
export class AudioIntake {
  readonly #live: BridgeLive;
  readonly #listener: IntakeListener;
  #tasks: Task[] = [];
  #waitingBytes = 0;
  #position = 0;
  #isRunning = false;
  #isHeld = false;
  #isFinished = false;
  #isStopped = false;

  constructor(live: BridgeLive, listener: IntakeListener) {
    this.#live = live;
    this.#listener = listener;
  }

  /** The first byte that is still needed. */
  get position(): number {
    return this.#position;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Audio that was here before is left out, and what comes after the end.
   *
   * @throws BadMessage for audio that does not join on.
   */
  push({ position, audio }: AudioFrame): void {
    if (this.#isStopped || this.#isFinished) return;
    if (position > this.#position) {
      throw new BadMessage(`Audio is missing: expected position ${this.#position}, got ${position}.`);
    }
    const news = audio.subarray(this.#position - position);
    if (news.length === 0) return;
    this.#position += news.length;
    this.#add({ type: 'audio', audio: news });
  }

  finalize(): void {
    // A second one has nothing new to ask for.
    if (!this.#isFinished && this.#tasks.at(-1)?.type !== 'finalize') this.#add({ type: 'finalize' });
  }

  finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#add({ type: 'finish' });
  }

  /** The live session is over: it takes nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#tasks = [];
    this.#waitingBytes = 0;
    this.#look();
  }

  #add(task: Task): void {
    if (this.#isStopped) return;
    this.#tasks.push(task);
    if (task.type === 'audio') this.#waitingBytes += task.audio.length;
    this.#look();
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      await this.#do(task);
    }
    this.#isRunning = false;
  }

  async #do(task: Task): Promise<void> {
    // What fails is told by the events of the session.
    if (task.type === 'audio') await this.#send(task.audio);
    else if (task.type === 'finalize') this.#live.finalize().catch(() => undefined);
    else this.#live.finish().catch(() => undefined);
  }

  async #send(audio: Uint8Array): Promise<void> {
    try {
      await this.#live.send(audio);
    } catch {
      // It takes nothing more. Where it has not ended by itself, it ends now.
      this.stop();
      this.#live.finish().catch(() => undefined);
    }
    if (this.#isStopped) return;
    this.#waitingBytes -= audio.length;
    this.#look();
  }

  #look(): void {
    if (!this.#isHeld && this.#waitingBytes > HIGH_WATER_BYTES) {
      this.#isHeld = true;
      this.#listener.onHold();
    } else if (this.#isHeld && this.#waitingBytes <= LOW_WATER_BYTES) {
      this.#isHeld = false;
      this.#listener.onRelease();
    }
  }
}
