import type { Metadata } from 'next';
import Link from 'next/link';
import { timeOf } from '@/lib/lines';
import { ownTranscripts } from '@/lib/speech';

export const metadata: Metadata = { title: 'Your transcripts' };

export default async function Page() {
  const transcripts = await ownTranscripts();
  return (
    <>
      <div className="intro">
        <h1>Your transcripts</h1>
        <p>Nobody else sees them.</p>
      </div>
      {transcripts.length === 0 ? (
        <p className="card">
          There are none yet. <Link href="/">Transcribe a recording.</Link>
        </p>
      ) : (
        <ul className="card transcripts">
          {transcripts.map(({ id, text, createdAt, durationSeconds }) => (
            <li key={id}>
              <Link href={`/transcripts/${id}`}>{text.slice(0, 90) || 'Silence'}</Link>
              <p>
                <time dateTime={createdAt}>{createdAt.slice(0, 16).replace('T', ' ')} UTC</time>
                {' · '}
                {timeOf(durationSeconds)}
              </p>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
