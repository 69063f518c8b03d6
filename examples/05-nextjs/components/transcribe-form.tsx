'use client';

import { useRouter } from 'next/navigation';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { type Mode, submit } from '@/lib/api';
import { durationOf } from '@/lib/duration';
import { problemOf } from '@/lib/problem';
import { keepRecording } from '@/lib/recordings';
import { useHydrated } from '@/lib/use-hydrated';
import { DropZone } from './drop-zone';
import { ModeChoice } from './mode-choice';

type Field = 'file' | 'url' | 'mode';

/** What came of it, and the control that the focus goes to, at which it is shown where something is wrong. */
interface Outcome {
  readonly field: Field;
  readonly message: string;
  readonly isWrong: boolean;
}

export function TranscribeForm({ sampleUrl }: { sampleUrl: string | undefined }) {
  const router = useRouter();
  const [file, setFile] = useState<File>();
  const [url, setUrl] = useState('');
  const [mode, setMode] = useState<Mode>('automatic');
  const [outcome, setOutcome] = useState<Outcome>();
  const [isRunning, setIsRunning] = useState(false);
  // A state would be late: whoever submits twice does so before the page is drawn again.
  const running = useRef<AbortController>(undefined);
  const form = useRef<HTMLFormElement>(null);
  const isDisabled = !useHydrated() || isRunning;

  // Who leaves the page does not wait for an answer.
  useEffect(() => () => running.current?.abort(), []);

  useEffect(() => {
    if (outcome !== undefined) form.current?.querySelector<HTMLElement>(CONTROLS[outcome.field])?.focus();
  }, [outcome]);

  function choose(chosen: { readonly file?: File | undefined; readonly url?: string }) {
    setFile(chosen.file);
    setUrl(chosen.url ?? '');
    // It was about the one before.
    setOutcome(undefined);
  }

  const errorOf = (field: Field) =>
    outcome?.isWrong && outcome.field === field ? outcome.message : undefined;

  async function send(event: FormEvent) {
    event.preventDefault();
    if (running.current !== undefined) return;
    const source = file ?? url.trim();
    if (source === '') {
      setOutcome({ field: 'file', message: 'Choose a recording, or paste the URL of one.', isWrong: true });
      return;
    }
    const controller = new AbortController();
    running.current = controller;
    setOutcome(undefined);
    setIsRunning(true);
    try {
      const audioDuration = file && (await durationOf(file));
      const answer = await submit({ source, mode, audioDuration }, controller.signal);
      const [key, path] =
        answer.mode === 'sync'
          ? [answer.transcript.id, `/transcripts/${answer.transcript.id}`]
          : [answer.jobId, `/jobs/${answer.jobId}`];
      // Without it the transcript has no player, and is there all the same.
      await keepRecording(key, source).catch(() => undefined);
      router.push(path);
    } catch (error) {
      running.current = undefined;
      setIsRunning(false);
      const given = file === undefined ? 'url' : 'file';
      // The button that cancels goes away with the focus.
      if (controller.signal.aborted)
        setOutcome({ field: given, message: 'It was cancelled.', isWrong: false });
      else setOutcome(wrongOf(error, given));
    }
  }

  return (
    <form className="card transcribe" ref={form} onSubmit={send} aria-label="What to transcribe" noValidate>
      <DropZone
        file={file}
        error={errorOf('file')}
        isDisabled={isDisabled}
        onChoose={(chosen) => choose({ file: chosen })}
      />
      <div className="field">
        <label htmlFor="url">or its URL</label>
        <div className="row">
          <input
            id="url"
            type="url"
            value={url}
            placeholder="https://example.com/interview.mp3"
            disabled={isDisabled}
            aria-invalid={errorOf('url') !== undefined}
            aria-describedby={errorOf('url') === undefined ? undefined : 'url-error'}
            onChange={(event) => choose({ url: event.target.value })}
          />
          {sampleUrl !== undefined && (
            <button
              id="sample"
              type="button"
              disabled={isDisabled}
              onClick={() => choose({ url: sampleUrl })}
            >
              Use the sample
            </button>
          )}
        </div>
        {errorOf('url') !== undefined && (
          <p className="error" id="url-error">
            {errorOf('url')}
          </p>
        )}
      </div>
      <ModeChoice
        value={mode}
        error={errorOf('mode')}
        isDisabled={isDisabled}
        onChange={(chosen) => {
          setMode(chosen);
          setOutcome(undefined);
        }}
      />
      <div className="actions">
        <button className="primary" id="submit" type="submit" disabled={isDisabled}>
          {isRunning ? 'Transcribing…' : 'Transcribe'}
        </button>
        {isRunning && (
          <button id="cancel-upload" type="button" onClick={() => running.current?.abort()}>
            Cancel
          </button>
        )}
      </div>
      {isRunning && <div className="bar" aria-hidden="true" />}
      <p className="unseen" role="status">
        {isRunning && 'The recording is being transcribed.'}
        {outcome?.message}
      </p>
    </form>
  );
}

const CONTROLS: Readonly<Record<Field, string>> = { file: '#file', url: '#url', mode: '[name=mode]:checked' };

/** Fields that the form does not have are about the recording. */
function wrongOf(error: unknown, given: 'file' | 'url'): Outcome {
  const { field, message } = problemOf(error);
  return { field: field === 'mode' ? 'mode' : given, message, isWrong: true };
}
