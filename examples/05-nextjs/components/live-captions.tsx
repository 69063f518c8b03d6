'use client';

import { useEffect, useRef } from 'react';
import { timeOf } from '@/lib/lines';
import { useHydrated } from '@/lib/use-hydrated';
import { type LiveCaptions as Captions, useLiveCaptions } from '@/lib/use-live-captions';
import { CaptionsEnd } from './captions-end';

const STATES: Readonly<Record<Captions['state'], string>> = {
  idle: 'Not connected',
  connecting: 'Connecting',
  open: 'Live',
  reconnecting: 'Connecting again. What you say is kept.',
  closed: 'Ended',
};

/** While the last words are waited for. */
const STOPPING: Readonly<Partial<typeof STATES>> = {
  reconnecting: 'Connecting again',
};

export function LiveCaptions() {
  const live = useLiveCaptions();
  const isHydrated = useHydrated();
  const { captions, partial, state, level, isMuted, error, isStopping, end } = live;
  const bottom = useRef<HTMLDivElement>(null);
  const primary = useRef<HTMLButtonElement>(null);
  const isRunning = state !== 'idle' && state !== 'closed';

  // Follows the speech.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each change of the text.
  useEffect(() => {
    bottom.current?.scrollIntoView({ block: 'nearest' });
  }, [captions, partial]);

  function giveUp() {
    live.giveUp();
    // The button that was pressed goes away.
    primary.current?.focus();
  }

  return (
    <section className="card captions" aria-label="Captions">
      <div className="controls">
        {isRunning ? (
          // Not disabled, which would take the focus away.
          <button
            className="primary"
            id="stop"
            type="button"
            ref={primary}
            aria-disabled={isStopping}
            onClick={isStopping ? undefined : live.stop}
          >
            {isStopping ? 'Stopping…' : 'Stop'}
          </button>
        ) : (
          <button
            className="primary"
            id="start"
            type="button"
            ref={primary}
            disabled={!isHydrated}
            onClick={live.start}
          >
            Start
          </button>
        )}
        {isStopping ? (
          // Not where Stop is: a double click gives nothing up.
          <button id="give-up" type="button" onClick={giveUp}>
            Give up
          </button>
        ) : (
          <button
            type="button"
            disabled={!isRunning}
            aria-pressed={isMuted}
            onClick={() => live.setMuted(!isMuted)}
          >
            Mute
          </button>
        )}
        <div className="level" aria-hidden="true">
          <span style={{ transform: `scaleX(${Math.min(1, Math.sqrt(level) * 1.6)})` }} />
        </div>
        <p className="state" role="status" data-state={state}>
          {isStopping ? (STOPPING[state] ?? 'Waiting for the last words') : STATES[state]}
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
        <div ref={bottom} />
      </div>
      {end !== undefined && <CaptionsEnd end={end} hasError={error !== undefined} />}
    </section>
  );
}
