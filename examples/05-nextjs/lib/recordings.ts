// Recordings stay in the browser that gave them: the server keeps a transcript, and no audio once it is written.

/** A file, or the URL of one. */
export type Recording = Blob | string;

const STORE = 'recordings';

/** The key is the id of the job, or where there was none that of the transcript. */
export async function keepRecording(key: string, recording: Recording): Promise<void> {
  const database = await open();
  try {
    await settled(database.transaction(STORE, 'readwrite').objectStore(STORE).put(recording, key));
  } finally {
    database.close();
  }
}

/** Undefined where this browser has none. */
export async function recordingOf(key: string): Promise<Recording | undefined> {
  const database = await open();
  try {
    return await settled<Recording | undefined>(database.transaction(STORE).objectStore(STORE).get(key));
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open('transcription-client', 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

function settled<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
