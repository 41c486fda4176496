// Joins the compiled modules of build/ into the few files of dist/ that a start reads: Node takes longer to find and link hundreds of
// modules than a short run computes. Entries keep the place that they have in src/, so that what is started by its path is found; what
// several of them need lies in dist/chunks.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { chunksOf } from './chunks.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const BUILD = join(ROOT, 'build');

/** The command first, the library, and what runs in threads and processes of its own. */
const ENTRIES = [
  'cli/main',
  'index',
  'study/workers/run-worker',
  'study/workers/queue-child',
  'capacity/worker',
  'measured/measure/measure-worker',
  'measured/validate/rows-worker',
  'record/engine-child',
];

const STARTED = ENTRIES.map((name) => join(BUILD, `${name}.js`));

/** Read at every start, and in no type of the library: joined, too, its licence with it. All others stay where npm puts them. */
const JOINED = ['zod'];

/** Name of the package that an import names; null for a file, and for what a package calls its own. */
const packageOf = (id) =>
  /^[./#]|^[A-Z]:/.test(id)
    ? null
    : id
        .split('/')
        .slice(0, id.startsWith('@') ? 2 : 1)
        .join('/');

/** A module knows where it stood: what it reads beside itself is found from there. */
const places = {
  name: 'places',
  transform(code, id) {
    if (!id.startsWith(BUILD) || !code.includes('import.meta.url')) return null;
    const name = relative(BUILD, id).split(sep).join('/');
    return code.replaceAll('import.meta.url', `MODULE_URL(${JSON.stringify(name)})`);
  },
  renderChunk(code, chunk) {
    const here = posix.dirname(chunk.fileName);
    return code.replaceAll(
      /MODULE_URL\("([^"]+)"\)/g,
      (_, name) => `new URL(${JSON.stringify(posix.relative(here, name))}, import.meta.url).href`,
    );
  },
};

/** What each module takes of others: the module and a name, which is null where it takes all. */
const taken = new Map();
/** What doors hand on, as {@link taken} by name. A door is a module that exports from others and does nothing else. */
const doors = new Map();
/** Whoever takes something at a door reads the module that has it, not all that stands behind the door. */
const throughDoors = {
  name: 'through-doors',
  transform(code, id) {
    if (!id.startsWith(BUILD)) return null;
    const { body } = this.parse(code);
    const names = body.flatMap(({ source, specifiers = [], type }) => {
      if (!source?.value.startsWith('.')) return [];
      const from = join(dirname(id), source.value);
      if (specifiers.length === 0) return [{ from, name: null }];
      const name = (specifier) => (type === 'ImportDeclaration' ? specifier.imported : specifier.local)?.name ?? null;
      return specifiers.map((specifier) => ({ from, name: name(specifier), as: specifier.exported?.name }));
    });
    taken.set(id, names);
    const hands = ({ declaration, source, specifiers, type }) =>
      type === 'ExportNamedDeclaration' && declaration === null && (source !== null || specifiers.length === 0);
    if (STARTED.includes(id) || !body.every(hands)) return null;
    doors.set(id, new Map(names.map((entry) => [entry.as, entry])));
    return { code, moduleSideEffects: false };
  },
};
/** The module that has what is taken. */
const behindDoors = ({ from, name }) => {
  const next = doors.get(from)?.get(name);
  return next === undefined ? from : behindDoors(next);
};

/** Files of code in dist/ at most: a package of few files installs fast, and most of them are too small to be read alone. */
const MOST_FILES = 49;
/** What a package that stays where npm puts it counts for: it is read with the module that imports it. */
const PACKAGE_BYTES = 500_000;

/** The file in dist/chunks of each module that several starts share, by name. */
let chunks = new Map();
const division = {
  name: 'division',
  buildEnd() {
    const all = new Map([...this.getModuleIds()].map((id) => [id, this.getModuleInfo(id)]).filter(([, { code }]) => code !== null));
    const modules = new Map();
    for (const [id, { code, dynamicallyImportedIds, importedIds }] of all) {
      const packages = importedIds.filter((other) => !all.has(other) && !other.startsWith('node:')).length;
      const joined = taken.has(id) ? [...taken.get(id).map(behindDoors), ...importedIds.filter((other) => !taken.has(other))] : importedIds;
      const [imports, loads] = [joined, dynamicallyImportedIds].map((ids) => [...new Set(ids)].filter((other) => all.has(other)));
      modules.set(id, { bytes: code.length + PACKAGE_BYTES * packages, imports, loads });
    }
    chunks = chunksOf(modules, STARTED, MOST_FILES);
  },
};

const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((name, at) => [name, STARTED[at]])),
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  transform: { target: 'node20.19' },
  external: (id) => {
    const name = packageOf(id);
    return name !== null && !JOINED.includes(name);
  },
  // What one module imports at once, another may load later: the former reads its file first, the latter does not.
  checks: { ineffectiveDynamicImport: false, bundlerTimings: false },
  plugins: [places, throughDoors, division],
});
const { output } = await bundle.generate({
  format: 'esm',
  // What a docstring tells a caller is in the types; here it would only be read at each start.
  comments: { jsdoc: false },
  codeSplitting: {
    groups: [{ name: (id) => chunks.get(id) ?? null, debugName: 'shared', includeDependenciesRecursively: false }],
  },
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();

/** What is loaded later and lies among others: the files of its values and how they are called there, by the file that rolldown writes to say so. */
const signposts = new Map();
for (const { fileName, code, moduleIds, isDynamicEntry } of output) {
  if (!isDynamicEntry || moduleIds.length > 0) continue;
  const [files, values] = [[], []];
  for (const [, names, file] of code.matchAll(/^(?:import|export \{ (.*) \} from) "(.*)";$/gm)) {
    files.push(posix.join(posix.dirname(fileName), file));
    for (const [there, name = there] of (names ?? '').split(', ').map((entry) => entry.split(' as ')))
      if (there !== '') values.push(`${name}: it[${files.length - 1}].${there}`);
  }
  signposts.set(fileName, { files, values });
}
for (const { fileName, code } of output) {
  if (signposts.has(fileName)) continue;
  const here = posix.dirname(fileName);
  const direct = code.replaceAll(/import\("(\.[^"]+)"\)/g, (loads, path) => {
    const { files, values } = signposts.get(posix.join(here, path)) ?? {};
    if (files === undefined) return loads;
    const from = files.map((file) => `import("${posix.relative(here, file).replace(/^(?!\.)/, './')}")`);
    return `Promise.all([${from.join(', ')}]).then((it) => ({ ${values.join(', ')} }))`;
  });
  mkdirSync(join(ROOT, 'dist', here), { recursive: true });
  writeFileSync(join(ROOT, 'dist', fileName), direct);
}

const licences = JOINED.map((name) => `${name}\n\n${readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`);
writeFileSync(join(ROOT, 'dist/LICENSES.txt'), `Parts of these packages stand in the files of dist/.\n\n${licences.join('\n')}`);
