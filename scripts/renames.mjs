// Renames flags in the tables of commands, or fields in the schemas of files, one at a time and in memory, and shows
// the error that each makes. Fails if one makes none; fields of rows that nothing reads are left to
// test/cli/schema.test.ts. Without a number all are tried: node scripts/renames.mjs [flags|fields] [how many]
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from '@typescript/typescript6';

const [what = 'flags', most] = process.argv.slice(2);
const FOLDER = { flags: 'src/cli', fields: 'src' }[what];
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

/** Flags of a text, by where their keys begin. */
const flagsIn = (_, text) =>
  [...text.matchAll(KEY)].map(({ 0: key, index: at }) => ({ key, at, renamed: key.replace(/--(?:no-)?/, '$&renamed-') }));

/** Fields of schemas of a file: the properties that are described. */
function fieldsIn(path, text) {
  const found = [];
  const visit = (node) => {
    const call = ts.isPropertyAssignment(node) && ts.isCallExpression(node.initializer) ? node.initializer : undefined;
    const described = call?.expression.name?.text === 'describe' && !ts.isIdentifier(call.arguments[0]);
    if (described) found.push({ key: node.name.text, at: node.name.getStart(), renamed: `renamed_${node.name.text}` });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, options.target, true));
  return found;
}

const all = paths.flatMap((path) => {
  const text = readFileSync(path, 'utf8');
  return { flags: flagsIn, fields: fieldsIn }[what](path, text).map((one) => ({ path, text, ...one }));
});
const count = Number(most ?? all.length);
const tried = all.filter((_, index) => Math.floor((index * count) / all.length) !== Math.floor(((index - 1) * count) / all.length));
let passed = 0;
for (const { at, key, path, renamed, text } of tried) {
  changed = { path, text: text.slice(0, at) + renamed + text.slice(at + key.length) };
  const error = firstError([path]);
  if (error === undefined) passed++;
  const place = `${path.split(`${FOLDER}/`)[1]} ${/--[a-z-]+/.exec(key)?.[0] ?? key}`;
  console.log(`${place}: ${error === undefined ? 'NO ERROR' : error.slice(0, 160)}`);
}
console.log(`${tried.length} ${what} renamed, ${tried.length - passed} caught`);
process.exitCode = passed === 0 ? 0 : 1;
