import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface TemporaryPackage {
  /** Its own folder, below `node_modules`. */
  readonly path: string;
  dispose(): void;
}

/** What npm says where the registry does not have it, or is not there. */
const NOT_TO_BE_HAD =
  /\b(E404|ETARGET|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|EBADPLATFORM)\b/;

/** Installs one package into a folder of its own. Undefined, with the reason printed, where it is not to be had. */
export async function installTemporarily(
  name: string,
  version: string,
): Promise<TemporaryPackage | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  const flags = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--prefer-offline',
    '--fetch-retries=1',
  ];
  try {
    await promisify(execFile)('npm', ['install', '--prefix', folder, ...flags, `${name}@${version}`], {
      cwd: folder,
      timeout: 100_000,
    });
    return { path: join(folder, 'node_modules', name), dispose };
  } catch (error) {
    dispose();
    const reason = NOT_TO_BE_HAD.exec(String((error as { stderr?: unknown }).stderr))?.[0];
    if (reason === undefined) throw error;
    console.log(`Skipped: npm cannot install ${name}@${version} here (${reason}).`);
    return undefined;
  }
}
