import { useCallback, useEffect, useRef, useState } from 'react';
import {
  createLiveClient,
  createMicrophone,
  type LiveClient,
  type LiveClientState,
  type Microphone,
} from 'transcription-client/browser';
import { speechApi } from './api';
import { keepRecording } from './recordings';
import { wavOf } from './wav';

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

interface Session {
  readonly microphone: Microphone;
  readonly live: LiveClient;
}

/** Captions of the microphone, over the bridge that the server names. */
export function useLiveCaptions(): LiveCaptions {
  const session = useRef<Session>(undefined);
  const [captions, setCaptions] = useState<readonly Caption[]>([]);
  const [partial, setPartial] = useState('');
  const [state, setState] = useState<LiveCaptions['state']>('idle');
  const [level, setLevel] = useState(0);
  const [isMuted, setIsMuted] = useState(false);
  const [error, setError] = useState<string>();
  const [transcriptId, setTranscriptId] = useState<string>();

  const start = useCallback(async () => {
    setCaptions([]);
    setError(undefined);
    setTranscriptId(undefined);
    setIsMuted(false);
    setState('connecting');
    try {
      session.current = await openSession();
    } catch (why) {
      setError((why as Error).message);
      setState('closed');
      return;
    }
    const { microphone, live } = session.current;
    microphone.on('level', ({ rms }) => setLevel(rms));
    microphone.on('error', (event) => setError(event.error.message));
    live.on('state', (event) => setState(event.state));
    live.on('interim', ({ text }) => setPartial(text));
    live.on('final', ({ text, start: from, channel }) => {
      setPartial('');
      if (text !== '') setCaptions((former) => [...former, { id: `${channel} ${from}`, start: from, text }]);
    });
    live.on('error', (event) => setError(event.error.message));
    live.on('end', () => {
      session.current = undefined;
      setLevel(0);
      void microphone.stop();
    });
    try {
      await microphone.start();
    } catch (why) {
      live.abort(why);
      setError((why as Error).message);
    }
  }, []);

  const stop = useCallback(async () => {
    const { microphone, live } = session.current ?? {};
    await microphone?.stop();
    // Its failure came as an event.
    const transcript = await live?.finish().catch(() => undefined);
    setTranscriptId(transcript?.id);
  }, []);

  const setMuted = useCallback((muted: boolean) => {
    if (muted) session.current?.microphone.mute();
    else session.current?.microphone.unmute();
    setIsMuted(muted);
  }, []);

  // A page that is left lets go of the microphone. The bridge stores what was said.
  useEffect(() => {
    return () => {
      void session.current?.microphone.stop();
      void session.current?.live.finish().catch(() => undefined);
    };
  }, []);

  return { captions, partial, state, level, isMuted, error, transcriptId, start, stop, setMuted };
}

/** Rejects where the server offers no stream. */
async function openSession(): Promise<Session> {
  const offer = await speechApi.streamOffer();
  let firstToken: string | undefined = offer.token;
  const recorded: Uint8Array<ArrayBuffer>[] = [];
  const microphone = createMicrophone({
    // Safe on every browser with audio worklets, and a recording that needs no other codec.
    capture: 'pcm',
    onAudio(chunk) {
      recorded.push(new Uint8Array(chunk));
      void live.send(chunk);
    },
  });
  const live = createLiveClient({
    url: offer.url,
    options: microphone.format,
    // A token lives for a minute: a connection later on gets another one.
    async token() {
      const token = firstToken ?? (await speechApi.streamOffer()).token;
      firstToken = undefined;
      return token;
    },
  });
  live.on('end', ({ transcript }) => {
    const { sample_rate, channels } = microphone.format;
    if (transcript === undefined || sample_rate === undefined) return;
    // Without it the transcript has no player, and is there all the same.
    keepRecording(transcript.id, wavOf(recorded, sample_rate, channels)).catch(() => undefined);
  });
  return { microphone, live };
}
