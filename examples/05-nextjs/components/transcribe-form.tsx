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

/** What is wrong, and the id of the control that it is shown at. */
interface Wrong {
  readonly field: Field;
  readonly message: string;
}

export function TranscribeForm({ sampleUrl }: { sampleUrl: string | undefined }) {
  const router = useRouter();
  const [file, setFile] = useState<File>();
  const [url, setUrl] = useState('');
  const [mode, setMode] = useState<Mode>('automatic');
  const [wrong, setWrong] = useState<Wrong>();
  const [running, setRunning] = useState<AbortController>();
  const form = useRef<HTMLFormElement>(null);
  const isRunning = running !== undefined;
  const isDisabled = !useHydrated() || isRunning;

  // Who leaves the page does not wait for an answer.
  useEffect(() => () => running?.abort(), [running]);

  useEffect(() => {
    if (wrong !== undefined) form.current?.querySelector<HTMLElement>(CONTROLS[wrong.field])?.focus();
  }, [wrong]);

  function choose(chosen: { readonly file?: File | undefined; readonly url?: string }) {
    setFile(chosen.file);
    setUrl(chosen.url ?? '');
    // It was about the one before.
    setWrong(undefined);
  }

  const errorOf = (field: Field) => (wrong?.field === field ? wrong.message : undefined);

  async function send(event: FormEvent) {
    event.preventDefault();
    const source = file ?? url.trim();
    if (source === '') {
      setWrong({ field: 'file', message: 'Choose a recording, or paste the URL of one.' });
      return;
    }
    const controller = new AbortController();
    setWrong(undefined);
    setRunning(controller);
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
      setRunning(undefined);
      if (!controller.signal.aborted) setWrong(wrongOf(error, file === undefined ? 'url' : 'file'));
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
          setWrong(undefined);
        }}
      />
      <div className="actions">
        <button className="primary" id="submit" type="submit" disabled={isDisabled}>
          {isRunning ? 'Transcribing…' : 'Transcribe'}
        </button>
        {isRunning && (
          <button type="button" onClick={() => running.abort()}>
            Cancel
          </button>
        )}
      </div>
      {isRunning && <div className="bar" aria-hidden="true" />}
      <p className="unseen" role="status">
        {isRunning && 'The recording is being transcribed.'}
        {wrong?.message}
      </p>
    </form>
  );
}

const CONTROLS: Readonly<Record<Field, string>> = { file: '#file', url: '#url', mode: '[name=mode]:checked' };

/** Fields that the form does not have are about the recording. */
function wrongOf(error: unknown, given: 'file' | 'url'): Wrong {
  const { field, message } = problemOf(error);
  return { field: field === 'mode' ? 'mode' : given, message };
}
