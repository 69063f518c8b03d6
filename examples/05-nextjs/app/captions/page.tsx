import type { Metadata } from 'next';
import { LiveCaptions } from '@/components/live-captions';

export const metadata: Metadata = { title: 'Live captions' };

export default function Page() {
  return (
    <>
      <div className="intro">
        <h1>Live captions</h1>
        <p>Words appear while you speak. What is grey may still change.</p>
      </div>
      <LiveCaptions />
    </>
  );
}
