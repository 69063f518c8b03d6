import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { TranscriptPlayer } from '@/components/transcript-player';
import { linesOf, timeOf } from '@/lib/lines';
import { ownTranscript } from '@/lib/speech';

export const metadata: Metadata = { title: 'Transcript' };

const FORMATS = { txt: 'Text', srt: 'SRT', vtt: 'WebVTT', json: 'JSON' };

const MODES = { sync: 'Transcribed at once', async: 'Transcribed in the queue', stream: 'Captioned live' };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const transcript = await ownTranscript(decodeURIComponent(id));
  if (transcript === undefined) notFound();
  const { mode, model, durationSeconds, jobId } = transcript;
  return (
    <>
      <div className="intro">
        <h1>Transcript</h1>
        <p>
          {MODES[mode]} · {model} · {timeOf(durationSeconds)}
        </p>
      </div>
      <TranscriptPlayer recordingKey={jobId ?? transcript.id} lines={linesOf(transcript)} />
      <nav className="card downloads" aria-label="Downloads">
        <h2>Download</h2>
        <ul>
          {Object.entries(FORMATS).map(([extension, name]) => (
            <li key={extension}>
              <a href={`/api/speech/transcripts/${transcript.id}.${extension}?download`} download>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}
