import { useCallback, useEffect, useRef, useState } from 'react';
import {
  createLiveClient,
  createMicrophone,
  type LiveClient,
  type LiveClientOptions,
  type LiveClientState,
  type Microphone,
} from 'transcription-client/browser';

export interface LiveCaptionsOptions {
  /** The bridge, such as `/stream`. */
  readonly url: string;
  /** Deepgram's options, without those of the microphone's format. */
  readonly options?: LiveClientOptions['options'];
  /** Default: cookies tell the bridge who asks. */
  readonly token?: () => Promise<string>;
}

export interface LiveCaptions {
  /** What will not change any more. */
  readonly captions: readonly string[];
  /** What is being said. */
  readonly partial: string;
  readonly state: LiveClientState | 'idle';
  /** Of the microphone, 0 to 1. */
  readonly level: number;
  readonly isMuted: boolean;
  /** Its `code` is one of the library's, such as `microphone_denied`. */
  readonly error: Error | undefined;
  /** Call it from a click: browsers ask for the microphone then. */
  start(): Promise<void>;
  /** Waits for the last words. */
  stop(): Promise<void>;
  setMuted(muted: boolean): void;
}

interface Session {
  readonly microphone: Microphone;
  readonly live: LiveClient;
}

/**
 * Live captions from the microphone.
 *
 * ```tsx
 * const { captions, partial, start, stop } = useLiveCaptions({ url: '/stream' });
 * ```
 */
export function useLiveCaptions({ url, options, token }: LiveCaptionsOptions): LiveCaptions {
  const session = useRef<Session | undefined>(undefined);
  const [captions, setCaptions] = useState<readonly string[]>([]);
  const [partial, setPartial] = useState('');
  const [state, setState] = useState<LiveCaptions['state']>('idle');
  const [level, setLevel] = useState(0);
  const [isMuted, setIsMuted] = useState(false);
  const [error, setError] = useState<Error | undefined>(undefined);

  const start = useCallback(async () => {
    if (session.current !== undefined) return;
    const microphone = createMicrophone({ onAudio: (chunk) => void live.send(chunk) });
    // What the microphone hears before the connection is there is kept.
    const live = createLiveClient({
      url,
      options: { interim_results: true, ...options, ...microphone.format },
      ...(token !== undefined && { token }),
    });
    const own = { microphone, live };
    session.current = own;
    setCaptions([]);
    setError(undefined);
    setIsMuted(false);
    setState('connecting');
    microphone.on('level', ({ rms }) => setLevel(rms));
    microphone.on('error', (event) => setError(event.error));
    live.on('state', (event) => setState(event.state));
    live.on('interim', ({ text }) => setPartial(text));
    live.on('final', ({ text }) => {
      setPartial('');
      if (text !== '') setCaptions((former) => [...former, text]);
    });
    live.on('error', (event) => setError(event.error));
    live.on('end', () => {
      if (session.current === own) session.current = undefined;
      void microphone.stop();
      setLevel(0);
    });
    try {
      await microphone.start();
    } catch (cause) {
      live.abort(cause);
      setError(cause as Error);
    }
  }, [url, options, token]);

  const stop = useCallback(async () => {
    const { microphone, live } = session.current ?? {};
    await microphone?.stop();
    // Its failure came as an event.
    await live?.finish().catch(() => undefined);
  }, []);

  const setMuted = useCallback((muted: boolean) => {
    if (muted) session.current?.microphone.mute();
    else session.current?.microphone.unmute();
    setIsMuted(muted);
  }, []);

  // A page that is left lets go of the microphone.
  useEffect(() => {
    return () => {
      void session.current?.microphone.stop();
      session.current?.live.abort();
      session.current = undefined;
    };
  }, []);

  return { captions, partial, state, level, isMuted, error, start, stop, setMuted };
}
