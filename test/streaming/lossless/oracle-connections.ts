import type { Recording } from './perform.js';

/** The longest time until a connection is noticed that has fallen silent. */
const NOTICED_WITHIN_MS = 5000;

/** What a replay may send at once: it need not be exact. */
const MOST_LEAD_SECONDS = 0.75;

/** Breaks are told, once and in time, and nothing else is taken for one. */
export function connectionComplaints(recording: Recording): string[] {
  return [...pairComplaints(recording), ...silenceComplaints(recording), ...endComplaints(recording)];
}

function pairComplaints({ events }: Recording): string[] {
  const complaints: string[] = [];
  let attempts = 0;
  let last = 0;
  let opened = 0;
  for (const { event } of events) {
    if (event.type === 'reconnecting') {
      attempts += 1;
      // A connection that broke before it proved itself is a part of the outage before.
      if (event.attempt !== 1 && event.attempt !== last + 1) {
        complaints.push(`attempt ${event.attempt} follows attempt ${last}`);
      }
      last = event.attempt;
    }
    if (event.type === 'open') {
      if (event.connection !== opened) complaints.push(`connection ${opened} is told as ${event.connection}`);
      if (opened > 0 && attempts === 0) complaints.push(`connection ${opened} came without a reconnecting`);
      opened += 1;
    }
    if (event.type === 'reconnected') {
      if (attempts === 0) complaints.push('a reconnected without a reconnecting');
      if (event.connection !== opened - 1) {
        complaints.push(`reconnected tells connection ${event.connection} instead of ${opened - 1}`);
      }
      attempts = 0;
    }
  }
  if (attempts > 0) complaints.push(`${attempts} attempts to reconnect without a reconnected`);
  return complaints;
}

function silenceComplaints({ silences, events }: Recording): string[] {
  const endedAtMs = events.find(({ event }) => event.type === 'end')?.atMs ?? Number.POSITIVE_INFINITY;
  return silences
    .filter(({ atMs }) => atMs < endedAtMs)
    .flatMap(({ kind, atMs }) => {
      const noticed = events.find(({ event, atMs: at }) => {
        return at >= atMs && (event.type === 'reconnecting' || event.type === 'end');
      });
      const afterMs = (noticed?.atMs ?? Number.POSITIVE_INFINITY) - atMs;
      return afterMs > NOTICED_WITHIN_MS ? [`${kind} at ${atMs} ms: noticed after ${afterMs} ms`] : [];
    });
}

function endComplaints({ events, unexplainedEnds, replayLeadSeconds }: Recording): string[] {
  const complaints: string[] = [];
  if (replayLeadSeconds > MOST_LEAD_SECONDS) complaints.push(`a replay is ${replayLeadSeconds} s too fast`);
  if (unexplainedEnds > 0) complaints.push(`${unexplainedEnds} connections were given up without a reason`);
  const ends = events.filter(({ event }) => event.type === 'end').length;
  if (ends !== 1 || events.at(-1)?.event.type !== 'end') complaints.push('the last event is not the one end');
  const errors = events.filter(({ event }) => event.type === 'error').length;
  if (errors > 0) complaints.push(`${errors} error events`);
  return complaints;
}
