import { readFileSync, readlinkSync } from 'node:fs';

/**
 * A name of this start of this machine, which no other one has and all its processes find. Undefined where the
 * system does not tell, which is all but Linux.
 */
export function startOfMachine(): string | undefined {
  try {
    // Containers may have a monotonic clock of their own.
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${namespace('time')}`;
  } catch {
    return undefined;
  }
}

/** The same for processes that see one another by their ids. */
export function processSpace(): string | undefined {
  const start = startOfMachine();
  try {
    return start && `${start} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** True only where it has surely ended: an id that was given to another process counts as alive. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function namespace(name: string): string {
  try {
    return readlinkSync(`/proc/self/ns/${name}`);
  } catch {
    // Older kernels have none of this kind.
    return '';
  }
}
