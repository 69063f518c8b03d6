import { openedStorage, print } from './opened.js';

/** Prints what becomes of the first call, as JSON. */
async function callOnce(): Promise<void> {
  const storage = openedStorage();
  try {
    await storage.get('jobs', 'a');
    print(JSON.stringify('works'));
  } catch (error) {
    const { code, message, cause } = error as { code?: string; message?: string; cause?: { code?: string } };
    print(JSON.stringify({ code, message, cause: cause?.code }));
  }
  await storage.close?.();
}

void callOnce();
