import type { AnswerBody } from './answer.js';

const MAX_REDIRECTS = 5;

/** Whether a URL stays on this machine. Tests never leave it. */
export function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return /^(localhost|127(\.\d+){3}|\[::1\])$/i.test(hostname);
}

/** Downloads audio. Rejects for any host but this one, also where a redirect leads there. */
export async function fetchLoopbackAudio(url: string, signal: AbortSignal): Promise<Uint8Array> {
  let target = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    if (!isLoopback(target)) throw new Error('the emulator fetches from loopback addresses only');
    const response = await fetch(target, { signal, redirect: 'manual' });
    const location = response.headers.get('location');
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    if (response.status < 300 || response.status > 399 || !location) {
      throw new Error(`the server answered ${response.status}`);
    }
    target = new URL(location, target).href;
  }
  throw new Error(`there are more than ${MAX_REDIRECTS} redirects`);
}

export interface CallbackDelivery {
  readonly url: string;
  readonly method: 'POST' | 'PUT';
  readonly body: AnswerBody;
  readonly requestId: string;
}

/**
 * Delivers a result once, and returns the receiver's status. User name and password in the URL become Basic
 * authorization.
 */
export async function postCallback(delivery: CallbackDelivery, signal: AbortSignal): Promise<number> {
  const target = new URL(delivery.url);
  const user = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
  const hasUser = target.username !== '' || target.password !== '';
  target.username = '';
  target.password = '';
  const response = await fetch(target, {
    method: delivery.method,
    headers: {
      'content-type': 'application/json',
      'dg-request-id': delivery.requestId,
      ...(hasUser && { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
    },
    body: JSON.stringify(delivery.body),
    redirect: 'manual',
    signal,
  });
  await response.body?.cancel();
  return response.status;
}
