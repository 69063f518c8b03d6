import { useCallback, useEffect, useRef, useState } from 'react';
import type { LiveClientState } from 'transcription-client/browser';
import { type CaptionEvent, CaptionSession } from './caption-session';
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
  /** Of the session that has ended. */
  readonly transcriptId: string | undefined;
  start(): Promise<void>;
  /** Waits for the last words. */
  stop(): Promise<void>;
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
  const [transcriptId, setTranscriptId] = useState<string>();

  const leave = useCallback((next: LiveCaptions['state']) => {
    session.current = undefined;
    setLevel(0);
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
    setTranscriptId(undefined);
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
    setTranscriptId(await stopped?.stop());
  }, [leave]);

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

  return { captions, partial, state, level, isMuted, error, transcriptId, start, stop, setMuted };
}
