import { RECONNECT_FAULTS } from './reconnect-faults.js';
import { runFaults } from './run-faults.js';
import { SESSION_FAULTS } from './session-faults.js';

runFaults('live', { ...RECONNECT_FAULTS, ...SESSION_FAULTS });
