import type { EmulatorFaults, HttpFault, HttpFaultInput } from './faults.js';
import { createFaultBook, type FaultBook } from './faults-book.js';
import { resolveFault } from './faults-check.js';
import type { LiveFault, LiveFaultInput } from './live-faults.js';
import { resolveLiveFaults } from './live-faults-check.js';

type LiveBook = FaultBook<LiveFaultInput | readonly LiveFaultInput[], readonly LiveFault[]>;

/** The faults that were set, and which request and which stream meets them. */
export interface EmulatorFaultBook extends EmulatorFaults, FaultBook<HttpFaultInput, HttpFault> {
  readonly live: LiveBook;
}

export function createEmulatorFaults(): EmulatorFaultBook {
  const http = createFaultBook<HttpFaultInput, HttpFault>({
    resolve: resolveFault,
    isMeant: ({ path }) => path.startsWith('/v1/'),
  });
  const live: LiveBook = createFaultBook({ resolve: resolveLiveFaults, isMeant: () => true });
  return {
    ...http,
    live,
    clear() {
      http.clear();
      live.clear();
    },
  };
}
