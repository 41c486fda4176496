// Joins the compiled modules of build/ into the few files of dist/ that a start reads: Node takes longer to find and link hundreds of
// modules than a short run computes. Entries keep the place that they have in src/, so that what is started by its path is found; what
// several of them need lies in dist/chunks.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
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

/** Files of code in dist/ at most: a package of few files installs fast, and most of them are too small to be read alone. */
const MOST_FILES = 56;
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
      const [imports, loads] = [importedIds, dynamicallyImportedIds].map((ids) => ids.filter((other) => all.has(other)));
      modules.set(id, { bytes: code.length + PACKAGE_BYTES * packages, imports, loads });
    }
    const started = ENTRIES.map((name) => join(BUILD, `${name}.js`));
    chunks = chunksOf(modules, started, MOST_FILES);
  },
};

const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((name) => [name, join(BUILD, `${name}.js`)])),
  platform: 'node',
  preserveEntrySignatures: 'allow-extension',
  transform: { target: 'node20.19' },
  external: (id) => {
    const name = packageOf(id);
    return name !== null && !JOINED.includes(name);
  },
  // What one module imports at once, another may load later: the former reads its file first, the latter does not.
  checks: { ineffectiveDynamicImport: false },
  plugins: [places, division],
});
const { output } = await bundle.generate({
  format: 'esm',
  codeSplitting: {
    groups: [{ name: (id) => chunks.get(id) ?? null, debugName: 'shared', includeDependenciesRecursively: false }],
  },
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();

/** What is loaded later and lies among others: the file of its values, and how they are called there, by the file that rolldown writes to say so. */
const signposts = new Map();
for (const { fileName, code, moduleIds, isDynamicEntry } of output) {
  if (!isDynamicEntry || moduleIds.length > 0) continue;
  const [, names, file] = /^export \{ (.*) \} from "(.*)";\s*$/.exec(code) ?? [];
  if (file === undefined) throw new Error(`${fileName} has values of several files: load what it stands for at once, or from one module`);
  const values = names.split(', ').map((entry) => entry.split(' as '));
  signposts.set(fileName, {
    file: posix.join(posix.dirname(fileName), file),
    values: values.map(([there, name = there]) => `${name}: it.${there}`).join(', '),
  });
}
for (const { fileName, code } of output) {
  if (signposts.has(fileName)) continue;
  const here = posix.dirname(fileName);
  const direct = code.replaceAll(/import\("(\.[^"]+)"\)/g, (loads, path) => {
    const post = signposts.get(posix.join(here, path));
    if (post === undefined) return loads;
    const from = posix.relative(here, post.file).replace(/^(?!\.)/, './');
    return `import("${from}").then((it) => ({ ${post.values} }))`;
  });
  mkdirSync(join(ROOT, 'dist', here), { recursive: true });
  writeFileSync(join(ROOT, 'dist', fileName), direct);
}

const licences = JOINED.map((name) => `${name}\n\n${readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`);
writeFileSync(join(ROOT, 'dist/LICENSES.txt'), `Parts of these packages stand in the files of dist/.\n\n${licences.join('\n')}`);
