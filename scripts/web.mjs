// Joins the library into one script for a page: `node scripts/web.mjs OUT.js`. Files of src/base/web take the places of those of
// src/base/host, and the texts of profiles/ travel inside; a page adds what is binary, a trace, with putFile.
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
/** Texts of the command line. */
const UNUSED = ['commands.txt', 'completion.txt', 'fields.txt', 'help.txt'];

/** Texts of the package by path: its version, and its profiles. Families that are left out are empty folders. */
function packed() {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const files = readdirSync(join(ROOT, 'profiles'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => ![...LEFT_OUT, ...UNUSED].includes(path.split('/')[1]))
    .sort();
  return {
    'package.json': JSON.stringify({ name, version }),
    ...Object.fromEntries(LEFT_OUT.map((family) => [`profiles/${family}/`, ''])),
    ...Object.fromEntries(files.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')])),
  };
}

const ENTRY = '\0page';

/** The web's files in the place of Node's. */
const web = {
  name: 'web',
  resolveId(id, importer) {
    if (id === ENTRY) return id;
    if (id.startsWith('node:')) this.error(`${importer} imports ${id}, which a page does not have`);
    if (importer === undefined || !id.startsWith('.')) return null;
    const path = join(dirname(importer), id).replace(/\.js$/, '.ts');
    return dirname(path) === HOST ? join(WEB, relative(HOST, path)) : null;
  },
  load(id) {
    if (id === join(WEB, 'packed.ts')) return `export const PACKED = ${JSON.stringify(packed())};`;
    if (id !== ENTRY) return null;
    const [library, files] = [join(ROOT, 'src/index.ts'), join(WEB, 'files.ts')].map((path) => JSON.stringify(path));
    return `export * from ${library}; export { putFile } from ${files};`;
  },
};

/**
 * The library for a page, as the text of one script.
 * @param format `esm`: a module with the library's exports and putFile; `iife`: a script that defines `moeprof` with them
 */
export async function webScript(format, minify = true) {
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'browser',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    transform: { target: 'es2023' },
    // Doors of rooms export more than a page uses; what nobody uses goes, and with it the package that draws tables on terminals.
    treeshake: { moduleSideEffects: false },
    external: ['cli-table3'],
    plugins: [web],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await bundle.generate({ format, minify, codeSplitting: false, ...(format === 'iife' ? { name: 'moeprof' } : {}) });
  await bundle.close();
  const [{ code, imports }] = output;
  if (imports.length > 0) throw new Error(`a page would have to import ${imports.join(', ')}`);
  return code;
}

const [, script, out] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  const code = await webScript('esm');
  writeFileSync(out ?? join(ROOT, 'build/moeprof.web.js'), code);
  const sizes = { minified: code, gzip: gzipSync(code), brotli: brotliCompressSync(code) };
  for (const [name, { length }] of Object.entries(sizes)) console.log(`${name.padEnd(9)} ${(length / 1e3).toFixed(0).padStart(5)} KB`);
}
