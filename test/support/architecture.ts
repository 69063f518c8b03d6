import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

export interface Import {
  /** Path of the imported file below `src`, or the name of a package. */
  readonly target: string;
  readonly kind: 'file' | 'package';
  /** Types only: it leaves no trace in the built code. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** Path below `src`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

/** Lower levels know nothing of higher ones. Folders of one level do not know one another. */
const LEVELS: readonly (readonly string[])[] = [
  ['contracts'],
  ['errors'],
  ['internal'],
  ['net'],
  ['resilience', 'transcript', 'audio', 'records'],
  ['deepgram', 'regions', 'adapters/*', 'webhooks', 'probe'],
  ['sync', 'queue', 'streaming'],
  ['hybrid', 'browser'],
  ['', 'server', 'testing'],
  ['index.ts'],
];

const MAX_LINES = 300;

export function readSources(root: string): SourceFile[] {
  const paths = globFiles(root);
  return paths.map((path) => parse(path, readFileSync(join(root, path), 'utf8'), root));
}

function globFiles(root: string): string[] {
  const files = ts.sys.readDirectory(root, ['.ts']);
  return files.map((file) => relative(root, file)).sort();
}

export function parse(path: string, text: string, root = '/src'): SourceFile {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    imports.push(toImport(path, specifier, typeOnly, root));
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(textOf(node.moduleSpecifier), isTypeImport(node.importClause));
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      add(textOf(node.moduleSpecifier), node.isTypeOnly || hasOnlyTypes(node.exportClause));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(textOf(node.argument.literal), true);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      if (specifier) add(textOf(specifier), false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { path, lines: text.split('\n').length - 1, imports };
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : node.getText();
}

function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  return clause.name === undefined && hasOnlyTypes(clause.namedBindings);
}

function hasOnlyTypes(bindings: ts.Node | undefined): boolean {
  if (bindings === undefined || !(ts.isNamedImports(bindings) || ts.isNamedExports(bindings))) return false;
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function toImport(from: string, specifier: string, typeOnly: boolean, root: string): Import {
  if (!specifier.startsWith('.')) return { target: specifier, kind: 'package', typeOnly };
  const target = relative(root, resolve(root, dirname(from), specifier)).replace(/\.js$/, '.ts');
  return { target, kind: 'file', typeOnly };
}

/** Every breach of the import rules, as a sentence. */
export function findBreaches(files: readonly SourceFile[]): string[] {
  return [...files.flatMap(breachesOf), ...findCycles(files)];
}

function breachesOf(file: SourceFile): string[] {
  const breaches: string[] = [];
  if (levelOf(file.path) === undefined) breaches.push(`${file.path}: its folder has no level`);
  if (file.lines > MAX_LINES) breaches.push(`${file.path}: ${file.lines} lines, ${MAX_LINES} at most`);
  for (const { target, kind, typeOnly } of file.imports) {
    const breach =
      kind === 'file' ? levelBreach(file.path, target) : packageBreach(file.path, target, typeOnly);
    if (breach !== undefined) breaches.push(`${file.path}: ${breach}`);
  }
  return breaches;
}

function levelBreach(from: string, to: string): string | undefined {
  const fromFolder = folderOf(from);
  const toFolder = folderOf(to);
  if (fromFolder === toFolder) return undefined;
  if (fromFolder === 'server' && (levelOf(to) ?? 0) >= (levelOf('deepgram/') as number)) {
    return `imports ${to}, and server/ sees the client through contracts/ only`;
  }
  const fromLevel = levelOf(from);
  const toLevel = levelOf(to);
  if (fromLevel === undefined || toLevel === undefined || toLevel < fromLevel) return undefined;
  return `imports ${to}, which is ${toLevel > fromLevel ? 'of a higher level' : 'another folder of its level'}`;
}

/** Folders that run wherever JavaScript does. */
const NODE_FREE: ReadonlySet<string> = new Set([
  'streaming',
  'browser',
  'hybrid',
  'transcript',
  'resilience',
]);

function packageBreach(from: string, name: string, typeOnly: boolean): string | undefined {
  const folder = folderOf(from);
  if (name.startsWith('@deepgram/sdk') && !typeOnly && folder !== 'deepgram') {
    return 'imports @deepgram/sdk at run time, which only deepgram/ may';
  }
  if (NODE_FREE.has(folder) && name.startsWith('node:')) return `imports ${name}, and must run without Node`;
  // The browser's live client has a transport of its own; in a browser isomorphic-ws is what the browser has.
  const isOwnTransport = folder === 'browser' && name === 'isomorphic-ws';
  if (NODE_FREE.has(folder) && /^(ws|isomorphic-ws)$/.test(name) && !isOwnTransport)
    return `imports ${name}, which is the transport's`;
  if (folder === 'contracts' && !typeOnly) return `imports ${name}, and contracts emit no code`;
  return undefined;
}

/** `queue`, `adapters/memory`, `index.ts`, or '' for the other files at the top. */
function folderOf(path: string): string {
  const parts = path.split('/');
  if (parts.length === 1) return path === 'index.ts' ? path : '';
  return parts[0] === 'adapters' ? parts.slice(0, 2).join('/') : (parts[0] as string);
}

function levelOf(path: string): number | undefined {
  const folder = folderOf(path).replace(/^adapters\/.*/, 'adapters/*');
  const level = LEVELS.findIndex((folders) => folders.includes(folder));
  return level === -1 ? undefined : level;
}

function findCycles(files: readonly SourceFile[]): string[] {
  const imports = new Map(
    files.map((file) => [
      file.path,
      file.imports.flatMap(({ kind, target }) => (kind === 'file' ? [target] : [])),
    ]),
  );
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) cycles.push(`cycle: ${[...trail.slice(start), path].join(' → ')}`);
    if (start !== -1 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return cycles;
}
