import Link from 'next/link';

export default function NotFound() {
  return (
    <div className="intro">
      <h1>There is nothing here</h1>
      <p>
        Or it belongs to somebody else. <Link href="/">Transcribe a recording.</Link>
      </p>
    </div>
  );
}
