// Renames flags in the tables of commands, one at a time and in memory, and shows the error that each makes. Fails if one makes none. Without
// a number all flags are tried: node scripts/renames.mjs [how many]
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from '@typescript/typescript6';

const FOLDER = 'src/cli';
/** A key of a table that declares an option. */
const KEY = /^ *(?:\.\.\.options\(\{ )?'(?:-\w, )?--[a-z-]+(?: [^']*)?':(?! \(\) =>)/gm;

const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent({ ...config, include: [FOLDER] }, ts.sys, '.');
const paths = readdirSync(FOLDER, { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => resolve(FOLDER, name));
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

/** The first error of the commands, those of some files first; undefined: there is none. */
function firstError(first) {
  const program = ts.createProgram(paths, options, host);
  for (const path of [...first, ...paths]) {
    const [error] = program.getSemanticDiagnostics(program.getSourceFile(path));
    if (error !== undefined)
      return `${error.file.fileName.split(`${FOLDER}/`)[1]}: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`;
  }
  return undefined;
}

const flags = paths.flatMap((path) => {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(KEY)].map(({ 0: key, index }) => ({ path, text, key, at: index }));
});
const count = Number(process.argv[2] ?? flags.length);
const tried = flags.filter((_, index) => Math.floor((index * count) / flags.length) !== Math.floor(((index - 1) * count) / flags.length));
let passed = 0;
for (const { at, key, path, text } of tried) {
  const renamed = key.replace(/--(?:no-)?/, '$&renamed-');
  changed = { path, text: text.slice(0, at) + renamed + text.slice(at + key.length) };
  const error = firstError([path]);
  if (error === undefined) passed++;
  const place = `${path.split(`${FOLDER}/`)[1]} ${/--[a-z-]+/.exec(key)[0]}`;
  console.log(`${place}: ${error === undefined ? 'NO ERROR' : error.slice(0, 160)}`);
}
console.log(`${tried.length} flags renamed, ${tried.length - passed} caught`);
process.exitCode = passed === 0 ? 0 : 1;
