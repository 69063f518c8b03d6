export { ManualClock } from '../../src/testing/fake-clock.js';
