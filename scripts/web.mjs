// Joins the library, or the computing thread of `moeprof play`, into one script for a page: `node scripts/web.mjs [OUT.js]`. Files of src/base/web
// take the places of those of src/base/host, and the texts of profiles/ travel inside; a page adds what is binary, a trace, with putFile.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const HOST = join(ROOT, 'src/base/host');
const WEB = join(ROOT, 'src/base/web');

/** Profiles that are large or for the command line, and that few pages need. */
const LEFT_OUT = ['traces', 'measurements', 'reproductions', 'init'];

/** Files of profiles that only other pages than `moeprof play` need. */
const NOT_FOR_PLAY = ['runs', 'citations.yaml', 'explanations.yaml'];

/** Scripts and styles of the reports that `moeprof play` writes itself, by their place in the package. */
const CLIENT = ['copy.js', 'page.css'].map((name) => [`dist/report/page/client/${name}`, join(ROOT, 'src/report/page/client', name)]);

/** Texts of the package by path: its version, and its profiles. Families that are left out are empty folders. */
function packed(play) {
  const leftOut = [...LEFT_OUT, ...(play ? NOT_FOR_PLAY : [])];
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const files = readdirSync(join(ROOT, 'profiles'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !leftOut.includes(path.split('/')[1]))
    .sort();
  return {
    'package.json': JSON.stringify({ name, version }),
    ...Object.fromEntries(LEFT_OUT.map((family) => [`profiles/${family}/`, ''])),
    ...Object.fromEntries(files.map((path) => [path, withoutNotes(path, readFileSync(join(ROOT, path), 'utf8'))])),
    ...Object.fromEntries((play ? CLIENT : []).map(([place, path]) => [place, readFileSync(path, 'utf8')])),
  };
}

/** What constants of a runtime were fitted on, which only `validate` reads. */
const FITTED = /^fitted:\n(?: .*\n)*/m;

/** YAML without lines that are comments. */
const withoutNotes = (path, text) => (path.endsWith('.yaml') ? text.replaceAll(/^\s*#.*\n/gm, '').replace(FITTED, '') : text);

/** A text in code. */
const TEXT = /(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/.source;
/** What `moeprof schema` says of a field, which no page asks. */
const DESCRIPTION = new RegExp(String.raw`\.describe\(\s*${TEXT}(?:\s*\+\s*${TEXT})*,?\s*\)`, 'g');

/** The package that draws tables on terminals, which no page has. */
const TABLES = 'cli-table3';

/** Classes that no answer of `moeprof play` makes, as advice counts no bounds: their files, below src. */
const NEVER_MADE = { 'engine/foresight/floor.ts': 'Floor', 'engine/foresight/found.ts': 'FoundSchedules' };

/** What the page of `moeprof play` refuses of Parquet: a decoder of Brotli has a dictionary of 60 KB. */
const NO_BROTLI = `export function decompressBrotli() { throw new Error('Brotli; rewrite it with zstd or snappy, or use moeprof advise -t'); }`;

const ENTRY = '\0page';

/** The web's files in the place of Node's. @param play true: the thread of `moeprof play`, which answers messages; false: the library */
const web = (play) => ({
  name: 'web',
  resolveId(id, importer) {
    if (id === ENTRY) return id;
    if (id === TABLES) return `\0${id}`;
    if (id.startsWith('node:')) this.error(`${importer} imports ${id}, which a page does not have`);
    if (importer === undefined || !id.startsWith('.')) return null;
    const path = join(dirname(importer), id).replace(/\.js$/, '.ts');
    return dirname(path) === HOST ? join(WEB, relative(HOST, path)) : null;
  },
  transform: (code) => code.replaceAll(DESCRIPTION, ''),
  load(id) {
    if (id === join(WEB, 'packed.ts')) return `export const PACKED = ${JSON.stringify(packed(play))};`;
    if (id === `\0${TABLES}`) return 'export default null;';
    const place = relative(join(ROOT, 'src'), id).replaceAll('\\', '/');
    if (play && id.endsWith(join('hyparquet-compressors', 'src', 'brotli.js'))) return NO_BROTLI;
    const never = play ? NEVER_MADE[place] : undefined;
    if (never !== undefined) return `export class ${never} { constructor() { throw new Error('the page has no bounds of runs'); } }`;
    if (id !== ENTRY) return null;
    if (play) return `import { answerMessages } from ${JSON.stringify(join(ROOT, 'src/play/worker.ts'))}; answerMessages();`;
    const [library, files] = [join(ROOT, 'src/index.ts'), join(WEB, 'files.ts')].map((path) => JSON.stringify(path));
    return `export * from ${library}; export { putFile } from ${files};`;
  },
});

/** The library for a page: a module with its exports and putFile (`esm`), or a script that defines `moeprof` with them (`iife`). */
export const webScript = (format, minify = true) => joined(false, { format, minify, ...(format === 'iife' ? { name: 'moeprof' } : {}) });

/** The computing thread of `moeprof play`. */
export const playEngine = () => joined(true, { format: 'iife', minify: true });

async function joined(play, options) {
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'browser',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    transform: { target: 'es2023' },
    // Doors of rooms export more than a page uses; what nobody uses goes.
    treeshake: { moduleSideEffects: false },
    plugins: [web(play)],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await bundle.generate({ ...options, codeSplitting: false });
  await bundle.close();
  const [{ code, imports }] = output;
  if (imports.length > 0) throw new Error(`a page would have to import ${imports.join(', ')}`);
  return code;
}

const [, script, out = join(ROOT, 'build/moeprof.web.js')] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  writeFileSync(out, await webScript('esm'));
  for (const [what, code] of Object.entries({ library: readFileSync(out), 'moeprof play': Buffer.from(await playEngine()) })) {
    const sizes = { minified: code, gzip: gzipSync(code), brotli: brotliCompressSync(code) };
    console.log(
      [what.padEnd(12), ...Object.entries(sizes).map(([name, { length }]) => `${name} ${(length / 1e3).toFixed(0)} KB`)].join('  '),
    );
  }
}
