import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Which attempt of which job a callback belongs to. */
export interface CallbackTicket {
  readonly jobId: string;
  /** As in Submission. */
  readonly run: number;
}

/** A key that is for nothing else, so that what the user's secret signs elsewhere is no use here. */
const PURPOSE = 'transcription-client callback v1';
const FORM = /^([\w-]{1,128})\.(\d{1,15})\.([\w-]{43})$/;

/**
 * Makes and checks the secrets that Deepgram brings back with a result: `<job>.<run>.<HMAC-SHA256 of both>`.
 *
 * The HMAC covers the id of the job and the attempt. So each secret opens one attempt of one job and nothing else,
 * whoever comes to see it, and is checked before the storage is asked for anything, with nothing stored that could
 * leak.
 */
export class CallbackSecrets {
  readonly #keys: readonly Uint8Array[];

  /** The first secret signs, all of them are good. There is at least one. */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => new Uint8Array(hkdfSync('sha256', secret, '', PURPOSE, 32)));
  }

  sign({ jobId, run }: CallbackTicket): string {
    const text = `${jobId}.${run}`;
    const [mac] = this.#macs(text);
    return `${text}.${mac}`;
  }

  /** Undefined where it is none of ours. */
  verify(secret: string | undefined): CallbackTicket | undefined {
    const parts = FORM.exec(secret ?? '');
    if (parts === null) return undefined;
    const [, jobId = '', run = '', mac = ''] = parts;
    // Each key is tried, whichever fits.
    const fits = this.#macs(`${jobId}.${run}`).map((right) => isEqual(mac, right));
    return fits.includes(true) ? { jobId, run: Number(run) } : undefined;
  }

  #macs(text: string): readonly string[] {
    return this.#keys.map((key) => createHmac('sha256', key).update(text).digest('base64url'));
  }
}

function isEqual(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
