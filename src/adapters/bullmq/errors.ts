import { QueueError, TranscriptionError } from '../../errors/index.js';

/** What a server says of its own state, and gets over. */
const PASSING = [
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'BUSY',
  'NOREPLICAS',
  'UNBLOCKED',
];
/** What no repetition changes. */
const MISCONFIGURED: Readonly<Record<string, string>> = {
  NOAUTH: 'It asks for a password: put it into the connection',
  WRONGPASS: 'It refuses the user name or the password',
  NOPERM:
    'The user lacks rights that BullMQ needs: to run commands, to use keys, or to use channels that begin with the prefix of the queue (such as ~bull:* and &bull:*)',
  CROSSSLOT: 'The keys of a queue must lie on one node: use a prefix with a hash tag, such as {bull}',
  MOVED: 'It is a cluster: use the option cluster',
};

/**
 * The error of a call that the back end failed.
 *
 * It is built anew: errors of ioredis hold the arguments of their command, and those of pg hold values and addresses.
 */
export function toQueueError(error: unknown, server: string): QueueError | TranscriptionError {
  if (TranscriptionError.isInstance(error)) return error;
  const cause = bare(error);
  const state = sqlState(error);
  if (state !== undefined) return fromSqlState(state, server, cause);
  const word = replyCode(error);
  if (word !== undefined && MISCONFIGURED[word] !== undefined) {
    return new QueueError(`${server} refused the queue's command. ${MISCONFIGURED[word]}.`, {
      code: 'queue_misconfigured',
      cause,
    });
  }
  if (word === 'OOM') {
    return new QueueError(`${server} is full. Give it more memory, or take work out of it.`, {
      code: 'queue_failed',
      retryable: true,
      cause,
    });
  }
  if (word !== undefined && !PASSING.includes(word)) {
    return new QueueError(`${server} failed the queue's command (${word}).`, { code: 'queue_failed', cause });
  }
  return unavailable(server, cause);
}

/** Classes of states that pass: of the connection, of full resources, of an operator, of a restart. */
const PASSING_STATES = /^(?:08|40|53|57|58)/;
/** A log-in, a database, a right, a table. */
const MISCONFIGURED_STATES = /^(?:28|3D|3F|42)/;

function fromSqlState(state: string, server: string, cause: Error): QueueError {
  if (PASSING_STATES.test(state)) return unavailable(server, cause);
  const isMisconfigured = MISCONFIGURED_STATES.test(state);
  const advice = isMisconfigured ? ' Check user, password, database and rights.' : '';
  return new QueueError(`${server} refused the queue's statement (${state}).${advice}`, {
    code: isMisconfigured ? 'queue_misconfigured' : 'queue_failed',
    cause,
  });
}

/** The state that PostgreSQL gives with an error, such as `28P01`. Codes of the system look different. */
function sqlState(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

export function unavailable(server: string, cause?: unknown): QueueError {
  return new QueueError(`${server} cannot be reached at the moment. Try again later.`, {
    code: 'queue_unavailable',
    retryable: true,
    ...(cause === undefined ? {} : { cause }),
  });
}

export function queueClosed(): QueueError {
  return new QueueError('The queue has been closed. Use a new client.', { code: 'queue_failed' });
}

/** A job that somebody else has put into the queue. */
export function foreignJob(server: string): QueueError {
  return new QueueError(
    `The queue on ${server} held a job that is no entry of it. It was taken out. See that no other program adds jobs to this queue.`,
    { code: 'queue_failed' },
  );
}

export function leaseLost(): QueueError {
  return new QueueError('The worker lost its lease on the entry. Another worker runs it again.', {
    code: 'lease_lost',
  });
}

/** A refusal by a script of BullMQ, such as for a job that is gone or locked by somebody else. */
export function isRefusal(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'number' && code < 0;
}

/** That of a refused log-in, which no wait changes. */
export function isRefusedLogin(error: unknown): boolean {
  return ['NOAUTH', 'WRONGPASS', 'NOPERM'].includes(replyCode(error) ?? '');
}

/** The word with which a reply of Redis begins. The rest of it may quote what was sent. */
function replyCode(error: unknown): string | undefined {
  // ioredis looks at the keys of a pipeline itself.
  if (error instanceof Error && /should belong to the same slot/.test(error.message)) {
    return 'CROSSSLOT';
  }
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  // Redis 7 and later.
  if (/executing the script can't|ACL failure in script/.test(error.message)) return 'NOPERM';
  // Before Redis 7 the error of a script is quoted in the middle of another one.
  const passing = PASSING.find((word) => error.message.includes(`${word} `));
  return passing ?? /^-?([A-Z]+)\b/.exec(error.message)?.[1] ?? 'ERR';
}

function bare(error: unknown): Error {
  const { code } = (error ?? {}) as { code?: unknown };
  const word =
    replyCode(error) ?? (typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code) ? code : undefined);
  if (word === undefined)
    return new Error(isTimeout(error) ? 'No answer in time.' : 'The connection is broken.');
  return Object.assign(new Error(word), { code: word });
}

/** The peer does not answer, or has become a replica: another connection may do better. */
export function isStale(error: unknown): boolean {
  return isTimeout(error) || replyCode(error) === 'READONLY';
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}
