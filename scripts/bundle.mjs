// Joins the compiled modules of build/ into the few files of dist/ that a start reads: Node takes longer to find and link hundreds of
// modules than a short run computes. Entries keep the place that they have in src/, so that what is started by its path is found; what
// several of them need lies in dist/chunks.
import { readFileSync, writeFileSync } from 'node:fs';
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
const MOST_FILES = 58;
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
  plugins: [places, division],
});
await bundle.write({
  dir: join(ROOT, 'dist'),
  format: 'esm',
  codeSplitting: {
    groups: [{ name: (id) => chunks.get(id) ?? null, debugName: 'shared', includeDependenciesRecursively: false }],
  },
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();

const licences = JOINED.map((name) => `${name}\n\n${readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`);
writeFileSync(join(ROOT, 'dist/LICENSES.txt'), `Parts of these packages stand in the files of dist/.\n\n${licences.join('\n')}`);
