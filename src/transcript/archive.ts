import type {
  ListQuery,
  Page,
  RecordInput,
  StorageAdapter,
  StoredRecord,
  StoredTranscript,
  Transcript,
} from '../contracts/index.js';
import { StorageError } from '../errors/index.js';
import { checkListQuery } from '../internal/check-list-query.js';

/** What the storage keeps beside a transcript. */
export interface TranscriptFacts {
  /** Where the audio came from, without secrets. */
  readonly source: string;
  readonly userId?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly jobId?: string;
}

/** The transcripts that the client keeps. */
export interface TranscriptArchive {
  /** Rejects where the storage does. */
  save(transcript: Transcript, facts: TranscriptFacts): Promise<void>;
  get(id: string): Promise<StoredTranscript | undefined>;
  list(query?: ListQuery): Promise<Page<StoredTranscript>>;
  delete(id: string): Promise<boolean>;
}

const FILTERS = ['userId', 'status', 'createdFrom', 'createdBefore', 'limit', 'cursor'];

/** @param storage Reports its own failures. */
export function createTranscriptArchive(storage: StorageAdapter): TranscriptArchive {
  async function save(transcript: Transcript, facts: TranscriptFacts): Promise<void> {
    await storage.put(toTranscriptRecord(transcript, facts));
  }
  return {
    save,
    async get(id) {
      const record = await storage.get('transcripts', id);
      return record && fromRecord(record);
    },
    async list(query = {}) {
      checkListQuery('transcripts.list()', query, FILTERS);
      const page = await storage.list('transcripts', query);
      return { ...page, items: page.items.map(fromRecord) };
    },
    delete: (id) => storage.delete('transcripts', id),
  };
}

/** Of the data of a transcript in the storage. */
const FORMAT = 1;

export function toTranscriptRecord(transcript: Transcript, facts: TranscriptFacts): RecordInput {
  const data: StoredTranscript = { ...transcript, ...facts, status: 'completed' };
  return {
    collection: 'transcripts',
    id: transcript.id,
    ...(facts.userId === undefined ? {} : { userId: facts.userId }),
    status: data.status,
    createdAt: transcript.createdAt,
    data: { v: FORMAT, ...data },
  };
}

function fromRecord(record: StoredRecord): StoredTranscript {
  if (typeof record.data !== 'object' || record.data === null) {
    throw new StorageError(
      `The transcript ${record.id} is damaged: its record holds none. Restore it from a backup, or delete it.`,
      { code: 'storage_corrupt' },
    );
  }
  // Records of the first days have no version.
  const { v = FORMAT, ...transcript } = record.data as StoredTranscript & { readonly v?: number };
  if (v === FORMAT) return transcript;
  throw new StorageError(
    `The transcript ${record.id} was stored by a newer version of the library. Update the library.`,
    { code: 'storage_schema' },
  );
}
