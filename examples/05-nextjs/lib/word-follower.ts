/**
 * Marks the word that is being played, and plays the one that is clicked. Works on the page itself: of an hour of
 * speech, React would compare 10,000 words several times a second. Returns what ends it.
 */
export function followWords(audio: HTMLAudioElement, text: HTMLElement): () => void {
  const words = [...text.querySelectorAll<HTMLElement>('.word')].sort(
    (one, other) => startOf(one) - startOf(other),
  );
  const starts = words.map(startOf);
  const listening = new AbortController();
  const { signal } = listening;
  let current: HTMLElement | undefined;
  let frame = 0;

  function mark(): void {
    const word = words[indexAt(starts, audio.currentTime)];
    // Between two words the former one stays, and before the first there is none.
    if (word === current) return;
    current?.removeAttribute('data-playing');
    word?.setAttribute('data-playing', '');
    if (!audio.paused) word?.scrollIntoView({ block: 'nearest' });
    current = word;
  }

  function markWhilePlaying(): void {
    mark();
    cancelAnimationFrame(frame);
    if (!audio.paused) frame = requestAnimationFrame(markWhilePlaying);
  }

  function playFrom(seconds: number): void {
    audio.currentTime = seconds;
    // A recording that cannot be played says so by its own controls.
    audio.play().catch(() => undefined);
  }

  audio.addEventListener('play', markWhilePlaying, { signal });
  audio.addEventListener('seeked', mark, { signal });
  audio.addEventListener('timeupdate', mark, { signal });

  text.addEventListener(
    'click',
    ({ target }) => {
      const hit = (target as Element).closest<HTMLElement>('[data-start]');
      // Who selects text does not want to hear it.
      if (hit !== null && getSelection()?.isCollapsed !== false) playFrom(startOf(hit));
    },
    { signal },
  );
  text.addEventListener(
    'keydown',
    (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      const next = words[indexAt(starts, audio.currentTime) + step];
      if (next === undefined) return;
      event.preventDefault();
      playFrom(startOf(next));
    },
    { signal },
  );
  return () => {
    listening.abort();
    cancelAnimationFrame(frame);
  };
}

/** Of the last word that begins at this time or before; -1 where there is none. */
function indexAt(starts: readonly number[], seconds: number): number {
  // A player may land a moment before the time that it was set to.
  const time = seconds + 0.001;
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function startOf({ dataset }: HTMLElement): number {
  return Number(dataset.start);
}
