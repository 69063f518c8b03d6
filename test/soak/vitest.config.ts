import suite from '../vitest.config.js';

/** The soak tests alone, at their full size. `npm test` runs the same files at a hundredth of it. */
export default {
  ...suite,
  test: {
    ...suite.test,
    include: ['test/soak/*.test.ts'],
    env: { SOAK_SCALE: process.env.SOAK_SCALE ?? '1' },
    // Bounds of time are checked: nothing else may run.
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
};
