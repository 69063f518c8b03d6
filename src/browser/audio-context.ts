/** What a user does to a page, and what lets a browser start sound again. */
const WAKING = ['pointerdown', 'keydown', 'visibilitychange'] as const;

/**
 * Keeps a context running: phones suspend it for a call, and browsers until the user has touched the page. Returns a
 * function that ends this.
 */
export function keepRunning(context: AudioContext, onSuspended: (suspended: boolean) => void): () => void {
  // The promise may stay open until the next touch, so nobody waits for it.
  const resume = (): void => {
    if (context.state !== 'running' && context.state !== 'closed') context.resume().catch(() => undefined);
  };
  const changed = (): void => {
    onSuspended(context.state !== 'running');
    resume();
  };
  const page = globalThis.document;
  for (const type of WAKING) page?.addEventListener(type, resume);
  context.addEventListener('statechange', changed);
  changed();
  return () => {
    context.removeEventListener('statechange', changed);
    for (const type of WAKING) page?.removeEventListener(type, resume);
  };
}
