'use client';

import Link from 'next/link';
import { useEffect, useRef } from 'react';
import { timeOf } from '@/lib/lines';
import { useHydrated } from '@/lib/use-hydrated';
import { type LiveCaptions as Captions, useLiveCaptions } from '@/lib/use-live-captions';

const STATES: Readonly<Record<Captions['state'], string>> = {
  idle: 'Not connected',
  connecting: 'Connecting',
  open: 'Live',
  reconnecting: 'Connecting again. No word is lost.',
  closed: 'Ended',
};

export function LiveCaptions() {
  const live = useLiveCaptions();
  const isHydrated = useHydrated();
  const { captions, partial, state, level, isMuted, error, transcriptId } = live;
  const end = useRef<HTMLDivElement>(null);
  const isRunning = state !== 'idle' && state !== 'closed';

  // Follows the speech.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each change of the text.
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [captions, partial]);

  return (
    <section className="card captions" aria-label="Captions">
      <div className="controls">
        {isRunning ? (
          <button className="primary" id="stop" type="button" onClick={live.stop}>
            Stop
          </button>
        ) : (
          <button className="primary" id="start" type="button" disabled={!isHydrated} onClick={live.start}>
            Start
          </button>
        )}
        <button
          type="button"
          disabled={!isRunning}
          aria-pressed={isMuted}
          onClick={() => live.setMuted(!isMuted)}
        >
          Mute
        </button>
        <div className="level" aria-hidden="true">
          <span style={{ transform: `scaleX(${Math.min(1, Math.sqrt(level) * 1.6)})` }} />
        </div>
        <p className="state" role="status" data-state={state}>
          {STATES[state]}
        </p>
      </div>
      {error !== undefined && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
      <div className="scroller">
        {captions.length === 0 && partial === '' && <p className="note">Press Start, and speak.</p>}
        {/* Screen readers hear what is final, once. What may still change is below, and silent. */}
        <div id="finals" role="log" aria-live="polite" aria-relevant="additions" aria-label="What was said">
          {captions.map(({ id, start, text }) => (
            <p key={id}>
              <time dateTime={`PT${start.toFixed(1)}S`}>{timeOf(start)}</time>{' '}
              <span className="text">{text}</span>
            </p>
          ))}
        </div>
        <p id="partial" aria-live="off">
          {partial}
        </p>
        <div ref={end} />
      </div>
      {transcriptId !== undefined && (
        <Link className="button" id="to-transcript" href={`/transcripts/${transcriptId}`}>
          Read and hear it again
        </Link>
      )}
    </section>
  );
}
