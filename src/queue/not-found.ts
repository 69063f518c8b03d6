import { QueueError } from '../errors/index.js';

export function jobNotFound(id: string): QueueError {
  return new QueueError(`There is no job ${id}: it was never there, or it has been removed.`, {
    code: 'job_not_found',
  });
}
