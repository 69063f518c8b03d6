'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';
import type { CaptionsEnd as End } from '@/lib/caption-session';

/** Whoever has pressed Stop knows why. */
const REASONS: Readonly<Partial<Record<End['by'], string>>> = {
  'give-up': 'The last words were not waited for. What was said may not be among your transcripts.',
  itself: 'The server has ended the captions. What was said is among your transcripts.',
};

/** Why captions have ended, and what is left of them. An error says by itself why. */
export function CaptionsEnd({ end, hasError }: { end: End; hasError: boolean }) {
  const reason = hasError ? undefined : REASONS[end.by];
  return (
    <>
      {reason !== undefined && (
        <p className="reason" role="alert">
          {reason}
        </p>
      )}
      {end.transcriptId !== undefined && (
        <Link className="button" id="to-transcript" href={`/transcripts/${end.transcriptId}`}>
          Read and hear it again
        </Link>
      )}
      {end.recording !== undefined && <SaveRecording recording={end.recording} />}
    </>
  );
}

function SaveRecording({ recording }: { recording: Blob }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(recording);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [recording]);
  if (url === undefined) return null;

  return (
    <div className="left-over">
      <a className="button" id="save-recording" href={url} download="captions.wav">
        Save the recording
      </a>
      <p className="note">It is in this page alone, until you leave it or start again.</p>
    </div>
  );
}
