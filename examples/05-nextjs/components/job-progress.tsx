'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useEffect, useRef, useState } from 'react';
import type { JobEventAnswer } from 'transcription-client/http-client';
import { speechApi } from '@/lib/api';
import { problemOf } from '@/lib/problem';

const STEPS = ['Waiting', 'Sending the recording', 'Listening', 'Writing it down'];

/** Follows a job over server-sent events. A connection that breaks is made anew, where it broke. */
export function JobProgress({ id }: { id: string }) {
  const router = useRouter();
  const [event, setEvent] = useState<JobEventAnswer>();
  const [error, setError] = useState<string>();
  const [isCancelling, setIsCancelling] = useState(false);

  useEffect(() => {
    const leaving = new AbortController();
    async function follow() {
      for await (const next of speechApi.jobEvents(id, leaving)) {
        setEvent(next);
        if (next.status.state === 'completed') router.replace(`/transcripts/${next.status.transcriptId}`);
      }
    }
    follow().catch((why) => {
      if (!leaving.signal.aborted) setError(problemOf(why).message);
    });
    return () => leaving.abort();
  }, [id, router]);

  async function cancel() {
    setIsCancelling(true);
    // A job that has just ended is told by its own event.
    await speechApi.cancelJob(id).catch(() => undefined);
  }

  if (error !== undefined) return <Ended title="It cannot be followed" text={error} />;
  const status = event?.status;
  if (status?.state === 'failed')
    return <Ended title="It has failed" text={problemOf(status.error).message} />;
  if (status?.state === 'cancelled')
    return <Ended title="It was cancelled" text="Nothing was written down." takesFocus={isCancelling} />;

  const step = stepOf(event);
  const share = shareOf(event);
  return (
    <section className="card job" aria-label="Progress" data-state={status?.state}>
      <ol className="steps">
        {STEPS.map((name, index) => (
          <li key={name} data-state={stateOf(index, step)} aria-current={index === step ? 'step' : undefined}>
            {name}
            {index === step && share !== undefined && <span> {Math.round(share * 100)} %</span>}
          </li>
        ))}
      </ol>
      <div className="bar" aria-hidden="true" />
      <p className="unseen" role="status">
        {STEPS[step] ?? 'Done'}
      </p>
      <button id="cancel" type="button" onClick={cancel}>
        Cancel
      </button>
    </section>
  );
}

interface EndedProps {
  readonly title: string;
  readonly text: string;
  /** From a button that has gone. */
  readonly takesFocus?: boolean;
}

function Ended({ title, text, takesFocus = false }: EndedProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus) heading.current?.focus();
  }, [takesFocus]);

  return (
    <section className="card job" role="alert">
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      <p>{text}</p>
      <Link href="/">Transcribe another recording</Link>
    </section>
  );
}

function stepOf(event: JobEventAnswer | undefined): number {
  if (event?.status.state === 'completed') return STEPS.length;
  if (event?.type === 'progress') return { uploading: 1, processing: 2, storing: 3 }[event.progress.phase];
  return event?.status.state === 'active' ? 1 : 0;
}

function stateOf(index: number, step: number): 'done' | 'now' | 'later' {
  if (index === step) return 'now';
  return index < step ? 'done' : 'later';
}

/** Of the upload, 0 to 1. */
function shareOf(event: JobEventAnswer | undefined): number | undefined {
  if (event?.type !== 'progress' || event.progress.phase !== 'uploading') return undefined;
  const { sentBytes, totalBytes } = event.progress;
  return sentBytes === undefined || !totalBytes ? undefined : sentBytes / totalBytes;
}
