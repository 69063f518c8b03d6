import { useCallback, useEffect, useRef, useState } from 'react';
import type { LiveClientState } from 'transcription-client/browser';
import { type CaptionEvent, CaptionSession, type CaptionsEnd } from './caption-session';
import { problemOf } from './problem';

export interface Caption {
  readonly id: string;
  readonly start: number;
  readonly text: string;
}

export interface LiveCaptions {
  readonly captions: readonly Caption[];
  /** What is being said, and may still change. */
  readonly partial: string;
  readonly state: LiveClientState | 'idle';
  /** Of the microphone, 0 to 1. */
  readonly level: number;
  readonly isMuted: boolean;
  readonly error: string | undefined;
  /** It waits for the last words, which takes long where the bridge has gone. */
  readonly isStopping: boolean;
  /** Of the session before. */
  readonly end: CaptionsEnd | undefined;
  start(): Promise<void>;
  /** Waits for the last words. */
  stop(): Promise<void>;
  /** Waits no longer for them. */
  giveUp(): void;
  setMuted(isMuted: boolean): void;
}

/** Captions of the microphone, over the bridge that the server names. */
export function useLiveCaptions(): LiveCaptions {
  // There from the click on: it can be stopped while it is still being opened.
  const session = useRef<CaptionSession>(undefined);
  const [captions, setCaptions] = useState<readonly Caption[]>([]);
  const [partial, setPartial] = useState('');
  const [state, setState] = useState<LiveCaptions['state']>('idle');
  const [level, setLevel] = useState(0);
  const [isMuted, setIsMuted] = useState(false);
  const [error, setError] = useState<string>();
  const [isStopping, setIsStopping] = useState(false);
  const [end, setEnd] = useState<CaptionsEnd>();

  const leave = useCallback((next: LiveCaptions['state']) => {
    session.current = undefined;
    setLevel(0);
    setIsStopping(false);
    setState(next);
  }, []);

  const hear = useCallback(
    (event: CaptionEvent) => {
      switch (event.type) {
        case 'level':
          return setLevel(event.rms);
        case 'interim':
          return setPartial(event.text);
        case 'final': {
          const { text, start, channel } = event;
          setPartial('');
          if (text === '') return undefined;
          return setCaptions((former) => [...former, { id: `${channel} ${start}`, start, text }]);
        }
        case 'error':
          return setError(problemOf(event.error).message);
        case 'end':
          return setEnd(event);
        default:
          return event.state === 'closed' ? leave('closed') : setState(event.state);
      }
    },
    [leave],
  );

  const start = useCallback(async () => {
    setCaptions([]);
    setPartial('');
    setError(undefined);
    setEnd(undefined);
    setIsMuted(false);
    setState('connecting');
    const opened = new CaptionSession((event) => {
      if (session.current === opened) hear(event);
    });
    session.current = opened;
    try {
      await opened.start();
    } catch (why) {
      // Stopped, and so left already.
      if (session.current !== opened) return;
      setError(problemOf(why).message);
      leave('idle');
    }
  }, [hear, leave]);

  const stop = useCallback(async () => {
    const stopped = session.current;
    if (stopped?.isOpen === false) leave('idle');
    else setIsStopping(true);
    await stopped?.stop();
  }, [leave]);

  const giveUp = useCallback(() => session.current?.giveUp(), []);

  const setMuted = useCallback((muted: boolean) => {
    if (muted) session.current?.microphone.mute();
    else session.current?.microphone.unmute();
    setIsMuted(muted);
  }, []);

  // A page that is left lets go of the microphone. The bridge stores what was said.
  useEffect(() => {
    return () => {
      const left = session.current;
      session.current = undefined;
      void left?.stop();
    };
  }, []);

  return {
    captions,
    partial,
    state,
    level,
    isMuted,
    error,
    isStopping,
    end,
    start,
    stop,
    giveUp,
    setMuted,
  };
}
