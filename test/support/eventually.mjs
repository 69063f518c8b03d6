// @ts-check

/**
 * @param {() => Promise<boolean>} condition What it rejects with counts as false.
 * @param {number} timeoutMs
 * @param {string} never
 */
export async function eventually(condition, timeoutMs, never) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const [outcome] = await Promise.allSettled([condition()]);
    if (outcome.status === 'fulfilled' && outcome.value) return;
    if (performance.now() > deadline) {
      throw outcome.status === 'rejected' ? outcome.reason : new Error(never);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
