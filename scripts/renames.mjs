// Renames flags, metrics and parameters in their tables, one at a time and in memory, and shows the error that each makes. Fails if one makes
// none. Without a number all of them are tried: node scripts/renames.mjs [flags | metrics | parameters] [how many of each]
import { readdirSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import ts from '@typescript/typescript6';

/** Tables by kind: the folder whose errors count, the files with tables, a name in one, and where and how a new name begins. */
const KINDS = {
  flags: {
    folder: 'src/cli',
    tables: /^src\/cli\//,
    name: /^ *(?:\.\.\.options\(\{ )?'(?:-\w, )?--[a-z-]+(?: [^']*)?':(?! \(\) =>)/gm,
    from: /--(?:no-)?/,
    prefix: 'renamed-',
  },
  metrics: { folder: 'src', tables: /^src\/result\/metrics\.ts$/, name: /^ {2}'[\w.]+(?=': )/gm, from: /.*[.]/, prefix: 'renamed_' },
  parameters: {
    folder: 'src',
    tables: /^src\/(?:cache\/policies|predict\/predictors|schedule|system\/placement|trace\/variants)\/[\w-]+\.ts$/,
    name: /^ +(?:parameters: \{ )?\w+(?=: \{(?: |\n +)default: )/gm,
    from: /.* /,
    prefix: 'renamed_',
  },
};

const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, '.');
const host = ts.createCompilerHost(options);
const parsed = new Map();
/** The file whose text is another. */
let changed = { path: '', text: '' };
const read = host.getSourceFile;
host.getSourceFile = (path, target) => {
  if (resolve(path) === changed.path) return ts.createSourceFile(path, changed.text, target, true);
  if (!parsed.has(path)) parsed.set(path, read(path, target));
  return parsed.get(path);
};

const pathsIn = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => resolve(folder, name));

/** The first error of a folder, those of some files first; undefined: there is none. */
function firstError(paths, first) {
  const program = ts.createProgram(paths, options, host);
  for (const path of [...first, ...paths]) {
    const [error] = program.getSemanticDiagnostics(program.getSourceFile(path));
    if (error !== undefined) return `${relative('.', error.file.fileName)}: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`;
  }
  return undefined;
}

const words = process.argv.slice(2);
const kinds = Object.keys(KINDS).filter((kind) => words.includes(kind));
let passed = 0;
for (const kind of kinds.length > 0 ? kinds : Object.keys(KINDS)) {
  const { folder, from, name, prefix, tables } = KINDS[kind];
  const paths = pathsIn(folder);
  const texts = new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
  const names = paths
    .filter((path) => tables.test(relative('.', path)))
    .flatMap((path) => [...texts.get(path).matchAll(name)].map(({ 0: key, index }) => ({ path, key, at: index })));
  const count = Number(words.find((word) => /^\d+$/.test(word)) ?? names.length);
  const tried = names.filter((_, index) => Math.floor((index * count) / names.length) !== Math.floor(((index - 1) * count) / names.length));
  let caught = 0;
  for (const { at, key, path } of tried) {
    const text = texts.get(path);
    const [word] = /[\w.-]+$|--[a-z-]+/.exec(key);
    changed = { path, text: text.slice(0, at) + key.replace(from, `$&${prefix}`) + text.slice(at + key.length) };
    const users = paths.filter((other) => other !== path && texts.get(other).includes(word));
    const error = firstError(paths, [path, ...users]);
    if (error !== undefined) caught++;
    console.log(`${relative(folder, path)} ${word}: ${error === undefined ? 'NO ERROR' : error.slice(0, 160)}`);
  }
  passed += tried.length - caught;
  console.log(`${tried.length} ${kind} renamed, ${caught} caught`);
}
process.exitCode = passed === 0 ? 0 : 1;
