import { cookies } from 'next/headers';
import type { StoredTranscript, TranscriptionClient } from 'transcription-client';
import { openClient } from './client.mjs';
import { VISITOR_COOKIE, visitorOf } from './visitor';

const shared = globalThis as typeof globalThis & { speechClient?: TranscriptionClient };

/** One client for the server, also when `next dev` loads this again. Made at the first request: a build needs none. */
export function speechClient(): TranscriptionClient {
  shared.speechClient ??= openSpeechClient();
  return shared.speechClient;
}

/** Next.js waits for its last answer before it ends. A client that is closed ends the events that a page follows. */
function openSpeechClient(): TranscriptionClient {
  const { client } = openClient();
  const close = () => void client.close({ timeoutMs: 3000 });
  process.once('SIGTERM', close);
  process.once('SIGINT', close);
  return client;
}

/** Whose page this is. */
export async function currentVisitor(): Promise<string | undefined> {
  const cookie = (await cookies()).get(VISITOR_COOKIE);
  return cookie && visitorOf(`${VISITOR_COOKIE}=${cookie.value}`);
}

/** Undefined where there is none. Somebody else's is not told apart from that. */
export async function ownTranscript(id: string): Promise<StoredTranscript | undefined> {
  const [visitor, transcript] = await Promise.all([currentVisitor(), speechClient().transcripts.get(id)]);
  return visitor !== undefined && transcript?.userId === visitor ? transcript : undefined;
}

/** Newest first. */
export async function ownTranscripts(): Promise<readonly StoredTranscript[]> {
  const visitor = await currentVisitor();
  if (visitor === undefined) return [];
  return (await speechClient().transcripts.list({ userId: visitor, limit: 50 })).items;
}
