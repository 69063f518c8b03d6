import { CALL_FAULTS } from './call-faults.js';
import { processFaults } from './process-faults.js';
import { runFaults } from './run-faults.js';
import { SOURCE_FAULTS } from './source-faults.js';

runFaults('pre-recorded', { ...CALL_FAULTS, ...SOURCE_FAULTS, ...processFaults() });
