import { StorageError } from '../../errors/index.js';

export function loadClient(): Promise<typeof import('@aws-sdk/client-s3')> {
  return load('@aws-sdk/client-s3', () => import('@aws-sdk/client-s3'));
}

export function loadUpload(): Promise<typeof import('@aws-sdk/lib-storage')> {
  return load('@aws-sdk/lib-storage', () => import('@aws-sdk/lib-storage'));
}

export function loadPresigner(): Promise<typeof import('@aws-sdk/s3-request-presigner')> {
  return load('@aws-sdk/s3-request-presigner', () => import('@aws-sdk/s3-request-presigner'));
}

/** The module loader keeps what was loaded. */
async function load<Module>(name: string, importIt: () => Promise<Module>): Promise<Module> {
  try {
    return await importIt();
  } catch (cause) {
    throw new StorageError(`The package ${name} could not be loaded. Run: npm install ${name}`, {
      code: 'storage_failed',
      cause,
    });
  }
}
