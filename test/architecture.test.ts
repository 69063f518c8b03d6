import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findBreaches, parse, readSources } from './support/architecture.js';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('the import rules', () => {
  it('hold for every file of src', () => {
    const files = readSources(`${root}src`);
    expect(files.length).toBeGreaterThan(50);
    expect(findBreaches(files)).toEqual([]);
  });

  it.each([
    ['a higher level', 'audio/file.ts', "import { x } from '../queue/job.js';", /higher level/],
    [
      'a higher level, types only',
      'audio/file.ts',
      "import type { x } from '../queue/job.js';",
      /higher level/,
    ],
    ['a higher level, lazily', 'audio/file.ts', "const x = await import('../queue/job.js');", /higher level/],
    ['another pattern', 'queue/worker.ts', "import { x } from '../sync/transcribe.js';", /another folder/],
    ['another adapter', 'adapters/memory/a.ts', "import { x } from '../redis/b.js';", /another folder/],
    ['the SDK at run time', 'sync/a.ts', "import { DeepgramClient } from '@deepgram/sdk';", /only deepgram/],
    ['Node in streaming', 'streaming/a.ts', "import { x } from 'node:fs';", /must run without Node/],
    ['code in contracts', 'contracts/a.ts', "import { x } from 'eventemitter3';", /emit no code/],
    [
      'a session of the server',
      'server/a.ts',
      "import type { x } from '../streaming/a.js';",
      /contracts\/ only/,
    ],
    ['a folder without a level', 'helpers/a.ts', '', /no level/],
    ['a long file', 'audio/a.ts', '\n'.repeat(301), /301 lines/],
  ])('catch %s', (_what, path, text, breach) => {
    expect(findBreaches([parse(path, text)]).join('\n')).toMatch(breach);
  });

  it('allow types of the SDK everywhere and its code in deepgram', () => {
    const files = [
      parse('sync/a.ts', "import type { DeepgramClient } from '@deepgram/sdk';"),
      parse('deepgram/a.ts', "import { DeepgramClient } from '@deepgram/sdk';"),
      parse('queue/a.ts', "import { x } from '../audio/b.js'; import { y } from './c.js';"),
    ];
    expect(findBreaches(files)).toEqual([]);
  });

  it('catch a cycle', () => {
    const files = [parse('audio/a.ts', "import './b.js';"), parse('audio/b.ts', "import './a.js';")];
    expect(findBreaches(files)).toEqual(['cycle: audio/a.ts → audio/b.ts → audio/a.ts']);
  });
});

describe('the contracts', () => {
  it('emit no code', () => {
    const folder = `${root}src/contracts/`;
    for (const name of readdirSync(folder)) {
      const statements = readFileSync(folder + name, 'utf8').match(
        /^(export )?(const|let|function|class|enum) /gm,
      );
      expect(statements, name).toBeNull();
    }
  });
});

describe('the project', () => {
  it('has the agreed folders at its top, and no others', () => {
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .filter((name) => !['node_modules', 'dist', 'coverage'].includes(name));
    expect(folders.sort()).toEqual(['docs', 'examples', 'src', 'test']);
  });
});
