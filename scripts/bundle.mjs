// Joins the compiled modules of build/ into the few files of dist/ that a start reads: Node takes longer to find and link hundreds of
// modules than a short run computes. Entries keep the place that they have in src/, so that what is started by its path is found; what
// several of them need lies in dist/chunks. Types stand in dist/ as the compiler wrote them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const BUILD = join(ROOT, 'build');

/** The command, the library, and what runs in threads and processes of its own. */
const ENTRIES = [
  'index',
  'cli/main',
  'study/workers/run-worker',
  'study/workers/queue-child',
  'capacity/worker',
  'measured/measure/measure-worker',
  'measured/validate/rows-worker',
];

/** Read at every start, as hundreds of modules: they are joined, too, and their licences with them. All others stay where npm puts them. */
const JOINED = ['zod', 'yaml'];

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

/** Every start needs these few, the door to the outside among them: in one file, they are found and linked at once. */
const START = /[\\/]base[\\/](host[\\/](bytes|clock|command|files|modules|paths|process|view)|breath)\.js$|[\\/]result[\\/]version\.js$/;

const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((name) => [name, join(BUILD, `${name}.js`)])),
  platform: 'node',
  transform: { target: 'node20.19' },
  external: (id) => {
    const name = packageOf(id);
    return name !== null && !JOINED.includes(name);
  },
  plugins: [places],
});
await bundle.write({
  dir: join(ROOT, 'dist'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  codeSplitting: { groups: [{ name: 'start', test: START }] },
});
await bundle.close();

const licences = JOINED.map((name) => `${name}\n\n${readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`);
writeFileSync(join(ROOT, 'dist/LICENSES.txt'), `Parts of these packages stand in the files of dist/.\n\n${licences.join('\n')}`);
