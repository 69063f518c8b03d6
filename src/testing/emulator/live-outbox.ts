import type { Clock, TimerHandle } from '../../contracts/clock.js';
import type { LiveFault, LiveFaultKind } from './live-faults.js';
import type { ServerMessage } from './server-message.js';

export interface Outbox {
  send(message: ServerMessage): void;
  /** Takes effect behind all that was sent before. */
  close(code?: number, reason?: string): void;
  /** The client has said that its audio is over: nothing is held back for that any more. */
  release(): void;
  /** Nothing is sent any more. */
  mute(): void;
}

export interface OutboxTarget {
  send(text: string): void;
  close(code: number | undefined, reason: string | undefined): void;
  /** A fault has changed what is sent. */
  onFault(kind: LiveFaultKind): void;
}

/** The way out of a live stream. Finals that are held back keep their order; Metadata and a close wait for them. */
export function createOutbox(faults: readonly LiveFault[], clock: Clock, target: OutboxTarget): Outbox {
  const late = faults.find((fault) => fault.kind === 'lateFinals');
  const isPlainFinalize = faults.some((fault) => fault.kind === 'plainFinalize');
  const held: { readonly due: number; readonly action: () => void }[] = [];
  let timer: TimerHandle | undefined;
  let isMuted = false;
  let isReleased = false;

  function holdBack(action: () => void, delayMs: number): void {
    target.onFault('lateFinals');
    held.push({ due: clock.monotonicMs() + delayMs, action });
    arm();
  }

  function arm(): void {
    const [next] = held;
    if (timer || !next || next.due === Number.POSITIVE_INFINITY) return;
    timer = clock.setTimer(sendDue, Math.max(0, next.due - clock.monotonicMs()));
  }

  function sendDue(): void {
    timer = undefined;
    while (held[0] && held[0].due <= clock.monotonicMs()) held.shift()?.action();
    arm();
  }

  function dispatch(action: () => void, isFinal: boolean): void {
    if (isMuted) return;
    if (late && isFinal && !(late.ms === undefined && isReleased)) {
      holdBack(action, late.ms ?? Number.POSITIVE_INFINITY);
    } else action();
  }

  /** Behind what is held back. */
  function dispatchLast(action: () => void): void {
    if (isMuted) return;
    if (held.length === 0) action();
    else held.push({ due: 0, action });
  }

  function release(): void {
    isReleased = true;
    if (late?.ms === undefined) for (const { action } of held.splice(0)) action();
  }

  return {
    send(message) {
      const isChanged = isPlainFinalize && 'from_finalize' in message && message.from_finalize === true;
      if (isChanged) target.onFault('plainFinalize');
      const outgoing = isChanged ? { ...message, from_finalize: false } : message;
      const deliver = () => target.send(JSON.stringify(outgoing));
      if ('type' in message && message.type === 'Metadata') dispatchLast(deliver);
      else dispatch(deliver, isFinalMessage(message));
    },
    close(code, reason) {
      // Nothing can release them any more.
      if (late?.ms === undefined) release();
      dispatchLast(() => target.close(code, reason));
    },
    release,
    mute() {
      isMuted = true;
      held.length = 0;
      timer?.cancel();
      timer = undefined;
    },
  };
}

function isFinalMessage(message: ServerMessage): boolean {
  if ('is_final' in message) return message.is_final === true;
  return 'event' in message && message.event === 'EndOfTurn';
}
