import type {
  EventSink,
  ListQuery,
  Page,
  StorageAdapter,
  StoredRecord,
  StoredTranscript,
  Transcript,
} from '../contracts/index.js';
import { StorageError, TranscriptionError } from '../errors/index.js';

/** Whose a transcript is and where its audio came from. */
export interface TranscriptFacts {
  readonly source: string;
  readonly userId?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly jobId?: string;
}

/** The transcripts that the client keeps. */
export interface TranscriptArchive {
  /** Throws where the storage does: see `saveOrReport` for calls that have a transcript to return. */
  save(transcript: Transcript, facts: TranscriptFacts): Promise<void>;
  /** Never throws: a storage that fails must not lose a transcript that was paid for. */
  saveOrReport(transcript: Transcript, facts: TranscriptFacts): Promise<void>;
  get(id: string): Promise<StoredTranscript | undefined>;
  list(query?: ListQuery): Promise<Page<StoredTranscript>>;
  delete(id: string): Promise<boolean>;
}

type Operation = 'get' | 'put' | 'list' | 'delete';

export function createTranscriptArchive(storage: StorageAdapter, emit: EventSink): TranscriptArchive {
  async function guard<Value>(
    operation: Operation,
    id: string | undefined,
    run: () => Promise<Value>,
  ): Promise<Value> {
    try {
      return await run();
    } catch (cause) {
      const error = toStorageError(operation, cause);
      emit({
        type: 'storage-failure',
        operation,
        collection: 'transcripts',
        ...(id === undefined ? {} : { id }),
        code: error.code,
      });
      throw error;
    }
  }
  async function save(transcript: Transcript, facts: TranscriptFacts): Promise<void> {
    await guard('put', transcript.id, () => storage.put(toRecord(transcript, facts)));
  }
  return {
    save,
    saveOrReport: (transcript, facts) => save(transcript, facts).catch(() => undefined),
    get: (id) => guard('get', id, async () => fromRecord(await storage.get('transcripts', id))),
    list: (query = {}) =>
      guard('list', undefined, async () => {
        const page = await storage.list('transcripts', query);
        return { ...page, items: page.items.flatMap((record) => fromRecord(record) ?? []) };
      }),
    delete: (id) => guard('delete', id, () => storage.delete('transcripts', id)),
  };
}

function toRecord(transcript: Transcript, facts: TranscriptFacts): StoredRecord {
  const data: StoredTranscript = { ...transcript, ...facts, status: 'completed' };
  return {
    collection: 'transcripts',
    id: transcript.id,
    ...(facts.userId === undefined ? {} : { userId: facts.userId }),
    status: data.status,
    createdAt: transcript.createdAt,
    version: 1,
    data,
  };
}

function fromRecord(record: StoredRecord | undefined): StoredTranscript | undefined {
  return record?.data as StoredTranscript | undefined;
}

function toStorageError(operation: Operation, cause: unknown): TranscriptionError {
  if (TranscriptionError.isInstance(cause)) return cause;
  return new StorageError(`The storage failed on ${operation}. Its error is the cause.`, {
    code: 'storage_failed',
    retryable: true,
    cause,
  });
}
