// @ts-check
// Packs the library of this repository, as npm would publish it. An app of yours installs it from the registry instead.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const folder = mkdtempSync(join(here, 'packed-'));
try {
  // npm builds before it packs.
  execFileSync('npm', ['pack', '--loglevel', 'error', '--pack-destination', folder], {
    cwd: join(here, '../..'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [tarball = ''] = readdirSync(folder);
  renameSync(join(folder, tarball), join(here, 'transcription-client.tgz'));
  // npm would keep what it installed of the former one.
  rmSync(join(here, 'node_modules/transcription-client'), { recursive: true, force: true });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log('transcription-client.tgz is there. Now: npm install');
