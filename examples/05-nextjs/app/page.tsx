import { connection } from 'next/server';
import { TranscribeForm } from '@/components/transcribe-form';

export default async function Page() {
  // What the environment says is asked at each request, not at the build.
  await connection();
  const { SAMPLE_URL, DEEPGRAM_ENDPOINT } = process.env;
  return (
    <>
      <div className="intro">
        <h1>Transcribe a recording</h1>
        <p>Give it a file or a URL. You get the words, with the moment at which each is spoken.</p>
      </div>
      <TranscribeForm sampleUrl={SAMPLE_URL} />
      {DEEPGRAM_ENDPOINT !== undefined && (
        <p className="note">
          There is no Deepgram key. A stand-in answers, which understands its sample alone.
        </p>
      )}
    </>
  );
}
