import { defined } from '../../internal/defined.js';
import { type Facts, type Filter, fits } from './filter.js';
import { hashOf } from './keys.js';
import type { StoredValue } from './value.js';

/**
 * What the key of an index entry says, so that a list reads no record in vain.
 *
 * Each write of a record has an entry of its own, made before the record is written; the entry of the write before
 * is removed after it. So a record always has its entry, and an entry without one is passed over.
 */
export interface IndexEntry extends Omit<Facts, 'userId' | 'status'> {
  /** The last part of the key. */
  readonly name: string;
  /** Orders all records of a collection, oldest first. It begins the name. A record keeps it. */
  readonly place: string;
  readonly idHash: string;
  /** Undefined where the record has no user. */
  readonly userHash: string | undefined;
  readonly statusHash: string;
  /** When the entry was made, in milliseconds of the wall clock. */
  readonly madeAtMs: number;
}

const USER_DIGITS = 32;
const STATUS_DIGITS = 16;
const NONE = 'x';

const PLACE = /^[abc](?:\d{17}|\d{19})-[0-9a-f]{14}-[0-9a-f]{64}$/;
const NAME =
  /^((?<created>[abc](?:\d{17}|\d{19}))-[0-9a-f]{14}-(?<id>[0-9a-f]{64}))-(?<user>[0-9a-f]{32}|x)-(?<status>[0-9a-f]{16})-(?<expires>[abc](?:\d{17}|\d{19})|x)-(?<made>[0-9a-f]{11})[0-9a-f]{8}$/;

export function placeOf({ createdAt, sequence, id }: StoredValue): string {
  return `${toDigits(createdAt)}-${sequence.toString(16).padStart(14, '0')}-${hashOf(id)}`;
}

export function isPlace(value: unknown): value is string {
  return typeof value === 'string' && PLACE.test(value);
}

export function entryName(stored: StoredValue): string {
  const { userId, status, expiresAt, write } = stored;
  const user = userId === undefined ? NONE : hashOf(userId, USER_DIGITS);
  const expires = expiresAt === undefined ? NONE : toDigits(expiresAt);
  return [placeOf(stored), user, hashOf(status, STATUS_DIGITS), expires, write].join('-');
}

/** Undefined where the name is none of ours. */
export function readEntry(name: string): IndexEntry | undefined {
  const match = NAME.exec(name);
  if (match?.groups === undefined) return undefined;
  const { created, id, user, status, expires, made } = match.groups as Record<string, string>;
  return {
    name,
    place: match[1] as string,
    idHash: id as string,
    userHash: user === NONE ? undefined : user,
    statusHash: status as string,
    createdAt: fromDigits(created as string),
    ...defined({ expiresAt: expires === NONE ? undefined : fromDigits(expires as string) }),
    madeAtMs: Number.parseInt(made as string, 16),
  };
}

/** Names one write of a record. */
export function writeName(nowMs: number): string {
  const random = globalThis.crypto.randomUUID().slice(0, 8);
  return nowMs.toString(16).padStart(11, '0') + random;
}

/** Lets through what a record may fit that has the entry: the record itself must be asked again. */
export function entryFilter({ userId, statuses, ...times }: Filter): (entry: IndexEntry) => boolean {
  const hashed: Filter = {
    ...times,
    ...defined({
      userId: userId === undefined ? undefined : hashOf(userId, USER_DIGITS),
      statuses: statuses?.map((status) => hashOf(status, STATUS_DIGITS)),
    }),
  };
  return ({ userHash, statusHash, createdAt, ...rest }) =>
    fits(
      { createdAt, status: statusHash, ...defined({ userId: userHash, expiresAt: rest.expiresAt }) },
      hashed,
    );
}

/** Years of more than four digits begin with a sign, and signs come before digits in the order of texts. */
const SIGNS: Readonly<Record<string, string>> = { '+': 'a', '-': 'b' };

/** An ISO time without what keys cannot hold, in the same order. */
function toDigits(time: string): string {
  return (SIGNS[time.charAt(0)] ?? 'c') + time.replaceAll(/\D/g, '');
}

function fromDigits(text: string): string {
  const sign = { a: '+', b: '-', c: '' }[text.charAt(0)] ?? '';
  const time = text.slice(1).replace(/(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/, '-$1-$2T$3:$4:$5.$6Z');
  return sign + time;
}
