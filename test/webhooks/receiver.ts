import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import {
  createWebhookTargets,
  type DeliverWebhookOptions,
  deliverWebhook,
} from '../../src/webhooks/index.js';
import { type FaultServer, type Reply, send, startHttpServer } from '../support/fault-server.js';
import { ManualClock } from '../support/manual-clock.js';

/** Random, 32 bytes each. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw7rTTJdSAkB0=';
export const OTHER_SECRET = 'whsec_X7rT0hQk1Gv9pW2bq8Zl4s6cYd3eFaJmNoKuIxRyTzA=';

export const BODY = JSON.stringify({
  type: 'transcription.completed',
  timestamp: '2026-01-02T03:04:05.000Z',
  data: { jobId: 'job_1', status: 'completed', transcriptId: 'tr_1', text: 'grüße, 世界 🎙' },
});

export interface Message {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Receiver extends FaultServer {
  readonly port: string;
  /** What has come in, with its body. */
  readonly messages: Message[];
}

/** Takes webhooks, and answers each by hand; `count` begins at 1. */
export async function startReceiver(
  answer: (response: ServerResponse, count: number) => void,
): Promise<Receiver> {
  const messages: Message[] = [];
  const server = await startHttpServer((request, response) => {
    void buffer(request)
      .then((body) => {
        messages.push({ url: request.url ?? '', headers: request.headers, body });
        answer(response, messages.length);
      })
      .catch(() => undefined);
  });
  return Object.assign(server, { port: new URL(server.url).port, messages });
}

export function startReplying(...replies: readonly Reply[]): Promise<Receiver> {
  return startReceiver((response, count) =>
    send(response, replies[Math.min(count, replies.length) - 1] ?? { status: 500 }),
  );
}

/** Loopback, let through. */
const loopback = createWebhookTargets({ allow: ['127.0.0.0/8', '::1/128'] });

/** The time of other people's libraries, standing still. */
export function clockOfNow(): ManualClock {
  return new ManualClock(Date.now());
}

export function deliver(
  url: string,
  options: Partial<DeliverWebhookOptions> = {},
): ReturnType<typeof deliverWebhook> {
  return deliverWebhook({
    url,
    id: 'msg_1',
    body: BODY,
    secrets: [SECRET],
    targets: loopback,
    clock: clockOfNow(),
    ...options,
  });
}
