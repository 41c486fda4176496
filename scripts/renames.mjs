// Renames flags, fields, metrics and parameters in their tables, one at a time and in memory, and shows the error that
// each makes. Fails if one makes none; fields of rows that nothing reads are left to test/cli/schema.test.ts. Without a
// number all of them are tried: node scripts/renames.mjs [flags | fields | metrics | parameters | runtime-flags] [how many of each]
import { readdirSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import ts from '@typescript/typescript6';

/** Names that match a pattern in the files of tables. @param from where in a name, and with which words a new one begins */
const matching = (tables, name, from, prefix) => (path, text) =>
  tables.test(path)
    ? [...text.matchAll(name)].map(({ 0: key, index: at }) => ({ key, at, renamed: key.replace(from, `$&${prefix}`) }))
    : [];

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

/** Rows of a runtime's flags that its dialect, in the folder, writes. */
function writtenIn(path, text) {
  if (!/^src\/runtime\/[^/]+\/\w+\.ts$/.test(path)) return [];
  const rows = [...text.matchAll(/^ +'?(\w+|[-\w]+(?:, [-\w]+)*)'?: (?=\[(?:\n|\[|least|null|')|USUAL)/gm)];
  return rows.flatMap(({ 0: row, 1: names, index }) => {
    const [name] = names.split(', ');
    const key = row.slice(0, row.indexOf(names)) + name;
    return text.includes(`['${name}',`) ? [{ key, at: index, renamed: `${key}_renamed` }] : [];
  });
}

/** Tables by kind: the folder whose errors count, and the names in a file. */
const KINDS = {
  flags: {
    folder: 'src/cli',
    namesIn: matching(/^src\/cli\//, /^ *(?:\.\.\.options\(\{ )?'(?:-\w, )?--[a-z-]+(?: [^']*)?':(?! \(\) =>)/gm, /--(?:no-)?/, 'renamed-'),
  },
  fields: { folder: 'src', namesIn: fieldsIn },
  metrics: {
    folder: 'src',
    namesIn: matching(/^src\/result\/metrics\.ts$/, /^ {2}'[\w.]+(?=': )/gm, /.*[.]/, 'renamed_'),
  },
  parameters: {
    folder: 'src',
    namesIn: matching(
      /^src\/(?:cache\/policies|predict\/predictors|schedule|system\/placement|trace\/variants)\/[\w-]+\.ts$/,
      /^ +(?:parameters: \{ )?\w+(?=: \{(?: |\n +)default: )/gm,
      /.* /,
      'renamed_',
    ),
  },
  'runtime-flags': { folder: 'src/runtime', namesIn: writtenIn },
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
  const { folder, namesIn } = KINDS[kind];
  const paths = pathsIn(folder);
  const texts = new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
  const names = paths.flatMap((path) => namesIn(relative('.', path), texts.get(path)).map((one) => ({ path, ...one })));
  const count = Number(words.find((word) => /^\d+$/.test(word)) ?? names.length);
  const tried = names.filter((_, index) => Math.floor((index * count) / names.length) !== Math.floor(((index - 1) * count) / names.length));
  let caught = 0;
  for (const { at, key, path, renamed } of tried) {
    const text = texts.get(path);
    const [word] = /[\w.-]+$|--[a-z-]+/.exec(key);
    changed = { path, text: text.slice(0, at) + renamed + text.slice(at + key.length) };
    const users = paths.filter((other) => other !== path && texts.get(other).includes(word));
    const error = firstError(paths, [path, ...users]);
    if (error !== undefined) caught++;
    console.log(`${relative(folder, path)} ${word}: ${error === undefined ? 'NO ERROR' : error.slice(0, 160)}`);
  }
  passed += tried.length - caught;
  console.log(`${tried.length} ${kind} renamed, ${caught} caught`);
}
process.exitCode = passed === 0 ? 0 : 1;
