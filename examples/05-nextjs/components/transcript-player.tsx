'use client';

import { useEffect, useRef, useState } from 'react';
import { type Line, timeOf } from '@/lib/lines';
import { recordingOf } from '@/lib/recordings';
import { followWords } from '@/lib/word-follower';

interface TranscriptPlayerProps {
  /** Of lib/recordings. */
  readonly recordingKey: string;
  readonly lines: readonly Line[];
}

/** Words light up as they are played. A click on one plays it; so do the arrow keys, word by word. */
export function TranscriptPlayer({ recordingKey, lines }: TranscriptPlayerProps) {
  const audio = useRef<HTMLAudioElement>(null);
  const text = useRef<HTMLElement>(null);
  const source = useRecording(recordingKey);

  useEffect(() => {
    if (audio.current === null || text.current === null) return undefined;
    return followWords(audio.current, text.current);
  }, []);

  return (
    <>
      <div className="player">
        {/* biome-ignore lint/a11y/useMediaCaption: the transcript is below. */}
        <audio
          ref={audio}
          src={source ?? undefined}
          controls={typeof source === 'string'}
          preload="metadata"
          aria-label="Recording"
        />
        {source === null && <p className="note">The recording is not in this browser. Its words are here.</p>}
      </div>
      <section className="card words" ref={text} aria-label="Words" aria-describedby="words-hint">
        <p className="hint" id="words-hint">
          Click a word to hear it. With the keyboard: the time of a line, then the arrow keys.
        </p>
        {lines.length === 0 && <p>Nothing was said.</p>}
        {lines.map(({ start, speaker, words }) => (
          <p key={`${start} ${words[0]?.text}`} className="line">
            <button type="button" data-start={start} aria-label={`Play from ${timeOf(start)}`}>
              {timeOf(start)}
            </button>
            <span>
              {speaker !== undefined && <b data-speaker={speaker % 4}>Speaker {speaker + 1} </b>}
              {words.map((word) => (
                <span key={word.start}>
                  <span className="word" data-start={word.start} data-end={word.end}>
                    {word.text}
                  </span>{' '}
                </span>
              ))}
            </span>
          </p>
        ))}
      </section>
    </>
  );
}

/** A URL to play it from; undefined until it is known, null where there is none. */
function useRecording(key: string): string | null | undefined {
  const [source, setSource] = useState<string | null>();
  useEffect(() => {
    let made: string | undefined;
    let isGone = false;
    void recordingOf(key)
      .catch(() => undefined)
      .then((recording) => {
        if (isGone) return;
        if (recording instanceof Blob) made = URL.createObjectURL(recording);
        setSource(made ?? (typeof recording === 'string' ? recording : null));
      });
    return () => {
      isGone = true;
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [key]);
  return source;
}
