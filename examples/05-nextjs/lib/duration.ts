const TIMEOUT_MS = 3000;

/** Seconds of a recording, as far as this browser can tell without reading all of it. */
export function durationOf(file: File): Promise<number | undefined> {
  const audio = new Audio();
  const url = URL.createObjectURL(file);
  return new Promise<number | undefined>((resolve) => {
    audio.onloadedmetadata = () => resolve(Number.isFinite(audio.duration) ? audio.duration : undefined);
    audio.onerror = () => resolve(undefined);
    setTimeout(resolve, TIMEOUT_MS, undefined);
    audio.preload = 'metadata';
    audio.src = url;
  }).finally(() => URL.revokeObjectURL(url));
}
