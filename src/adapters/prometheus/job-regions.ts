/** Jobs whose end another process sees are never taken out. */
const MAX_JOBS = 10_000;

/** Where the last attempt of each running job went: the event of a job's end does not tell. */
export class JobRegions {
  readonly #regions = new Map<string, string>();

  begin(jobId: string, region: string): void {
    this.#regions.delete(jobId);
    this.#regions.set(jobId, region);
    if (this.#regions.size <= MAX_JOBS) return;
    const [oldest] = this.#regions.keys();
    this.#regions.delete(oldest as string);
  }

  /** Of an attempt that ended elsewhere than it began. A job that was cancelled ends before its attempt. */
  move(jobId: string, region: string): void {
    if (this.#regions.has(jobId)) this.#regions.set(jobId, region);
  }

  /** `unknown` where no attempt was made in this process. */
  take(jobId: string): string {
    const region = this.#regions.get(jobId) ?? 'unknown';
    this.#regions.delete(jobId);
    return region;
  }
}
