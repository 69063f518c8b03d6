/** Numbers from 0 up to 1. The seed is printed, and can be set to repeat a run. */
export function randomOf(what: string, seed = Math.floor(Math.random() * 2 ** 32)): () => number {
  console.log(`Seed of the ${what}: ${seed}`);
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
