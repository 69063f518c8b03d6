import { TranscriptionError } from '../../errors/index.js';

export type Schemas = typeof import('./schemas.js');

/** With zod, which is needed only where a body is looked at. */
export async function loadSchemas(): Promise<Schemas> {
  try {
    return await import('./schemas.js');
  } catch (cause) {
    throw new TranscriptionError('The package zod could not be loaded. Run: npm install zod', {
      code: 'internal',
      cause,
    });
  }
}
