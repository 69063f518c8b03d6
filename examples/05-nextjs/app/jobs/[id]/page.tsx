import type { Metadata } from 'next';
import { JobProgress } from '@/components/job-progress';

export const metadata: Metadata = { title: 'In the queue' };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return (
    <>
      <div className="intro">
        <h1>In the queue</h1>
        <p>You may leave this page, and come back to it.</p>
      </div>
      <JobProgress id={decodeURIComponent(id)} />
    </>
  );
}
