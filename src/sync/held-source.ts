import type { ResolvedSource } from '../contracts/index.js';

/**
 * A one-shot stream is opened at once, and so belongs to the run: the caller who brought it may leave while
 * others wait for what it says. `discard()` closes it.
 */
export function holdSource(source: ResolvedSource): ResolvedSource {
  if (source.kind === 'url' || source.reopenable) return source;
  const opening = source.open();
  // Where nobody reads it, nobody needs to know that it could not be opened.
  opening.catch(() => undefined);
  return {
    ...source,
    open: () => opening,
    discard(reason) {
      opening.then((audio) => audio.close(reason)).catch(() => undefined);
    },
  };
}
