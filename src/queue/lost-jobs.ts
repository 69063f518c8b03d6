import type { JobContext } from './context.js';
import { toEntry, toEntryId } from './entry.js';
import { LOOKED_AT_ONCE, Reconciler } from './reconciler.js';
import { hasEnded, type JobRecord } from './record.js';

/** Finds jobs that have not ended and are not in the queue. */
export function createJobReconciler({ clock, queue, store, emit }: JobContext): Reconciler<JobRecord> {
  return new Reconciler({
    clock,
    queue,
    lists: (['queued', 'active'] as const).map(
      (state) => (cursor: string | undefined) => store.page(state, cursor, LOOKED_AT_ONCE),
    ),
    entryIdOf: toEntryId,
    async entriesOf(ids) {
      const present = await Promise.all(ids.map((id) => store.get(id)));
      const nowMs = clock.wallMs();
      return present.flatMap((record) =>
        record === undefined || hasEnded(record.data.state) ? [] : [toEntry(record, nowMs)],
      );
    },
    found: (count) =>
      emit({
        type: 'warning',
        code: 'queue-lost-jobs',
        message: `The queue did not have ${count} jobs that the storage knows. It has got them again.`,
      }),
  });
}
