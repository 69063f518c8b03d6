// @ts-check
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Requirement
 * @property {string} name What people call it.
 * @property {() => boolean} isPresent Looks at files only, so that a complete machine costs no time.
 * @property {readonly string[]} packages Names of Debian 12.
 */

/** @type {readonly Requirement[]} */
const requirements = [
  {
    name: 'PocketSphinx',
    isPresent: () =>
      isOnPath('pocketsphinx_continuous') &&
      existsSync('/usr/share/pocketsphinx/model/en-us/en-us/mdef') &&
      existsSync('/usr/share/pocketsphinx/test/data/librivox/transcription'),
    packages: ['pocketsphinx', 'pocketsphinx-en-us', 'pocketsphinx-testdata'],
  },
  { name: 'PostgreSQL', isPresent: () => postgresFolder() !== undefined, packages: ['postgresql'] },
  { name: 'Redis', isPresent: () => isOnPath('redis-server'), packages: ['redis-server'] },
  { name: 'Chromium', isPresent: () => existsSync('/usr/bin/chromium'), packages: ['chromium'] },
  {
    name: 'FFmpeg',
    isPresent: () => isOnPath('ffmpeg') && isOnPath('ffprobe'),
    packages: ['ffmpeg'],
  },
  { name: 'curl', isPresent: () => isOnPath('curl'), packages: ['curl'] },
];

/** Where initdb and postgres are: Debian keeps them out of the PATH. */
export function postgresFolder() {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a));
  const folders = [...newest.map((version) => join(root, version, 'bin')), ...pathFolders()];
  return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

/**
 * Makes sure that the programs and files that the tests need beyond npm are on this machine.
 *
 * Installs what is missing when it runs as root and apt-get is there. Otherwise, and when the installation
 * fails, it throws an Error with the command to type.
 *
 * @param {readonly Requirement[]} [wanted]
 */
export function ensureSystemPackages(wanted = requirements) {
  const missing = wanted.filter((requirement) => !requirement.isPresent());
  if (missing.length === 0) return;

  const names = missing.map(({ name }) => name).join(', ');
  const packages = missing.flatMap((requirement) => requirement.packages);
  const advice = `Install it with:\n  sudo apt-get install -y ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new Error(`The tests need ${names}. ${advice}`);
  }

  process.stderr.write(`Installing ${names} (${packages.join(' ')}) …\n`);
  runAptGet(['update'], advice);
  runAptGet(['install', '-y', '--no-install-recommends', ...packages], advice);

  const absent = missing.filter((requirement) => !requirement.isPresent()).map(({ name }) => name);
  if (absent.length > 0) {
    throw new Error(`apt-get installed ${packages.join(' ')}, but ${absent.join(', ')} is still not there.`);
  }
}

/**
 * @param {readonly string[]} parameters
 * @param {string} advice
 */
function runAptGet(parameters, advice) {
  // Another run of apt-get may hold the lock for a moment.
  const { status, error, stdout, stderr } = spawnSync(
    'apt-get',
    ['-o', 'DPkg::Lock::Timeout=120', ...parameters],
    {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  if (status === 0) return;
  const output = `${stdout ?? ''}${stderr ?? ''}`.trim();
  throw new Error(`apt-get ${parameters.join(' ')} failed.\n${output}\n${advice}`, { cause: error });
}

function pathFolders() {
  return (process.env.PATH ?? '').split(delimiter);
}

/** @param {string} command */
function isOnPath(command) {
  return pathFolders().some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const program = process.argv[1];
if (program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url)) {
  try {
    ensureSystemPackages();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
