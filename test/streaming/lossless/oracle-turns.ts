import type { LiveEventOf } from 'transcription-client';
import type { Recording } from './perform.js';

/** The turns of Flux come one after the other, each begins and ends once, and its text is the final before its end. */
export function turnComplaints({ protocol, events }: Recording): string[] {
  const complaints: string[] = [];
  let next = 0;
  let isOpen = false;
  let isEager = false;
  let final: LiveEventOf<'final'> | undefined;
  for (const { event } of events) {
    if (event.type === 'final') final = event;
    if (!event.type.startsWith('turn-') || !('turn' in event)) continue;
    const where = `${event.type} of turn ${event.turn}`;
    if (event.turn !== next) complaints.push(`${where}, where turn ${next} is due`);
    if (isOpen === (event.type === 'turn-start'))
      complaints.push(`${where}, which is ${isOpen ? '' : 'not '}open`);
    if (event.type === 'turn-resume' && !isEager) complaints.push(`${where}, which had no eager end`);
    if (event.type === 'turn-eager-end' && isEager) complaints.push(`${where} comes twice`);
    if (event.type === 'turn-end' && event.text !== final?.text) {
      complaints.push(`${where} says "${event.text}", and the final "${final?.text}"`);
    }
    isOpen = event.type !== 'turn-end';
    isEager = event.type === 'turn-eager-end';
    if (event.type === 'turn-end') next += 1;
  }
  if (isOpen) complaints.push(`turn ${next} has no end`);
  if (protocol === 'flux' && next === 0) complaints.push('there is no turn');
  return complaints;
}
