// What a command reads before it answers: its own code, that of packages, and data. Bytes and files are held, not the time that they take.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { BIN, moeprof, temporaryFolder } from './moeprof.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Loaded before the command: lists what is opened. Modules of ECMAScript are read elsewhere; the coverage of V8 lists them. */
const OPENED = `const fs = require('node:fs');
const paths = new Set();
for (const name of ['readFileSync', 'openSync']) {
  const original = fs[name];
  fs[name] = (path, ...rest) => {
    paths.add(String(path));
    return original(path, ...rest);
  };
}
require('node:module').syncBuiltinESMExports();
process.on('exit', () => fs.writeFileSync(process.env.OPENED, JSON.stringify([...paths])));
`;

/** The files of the package, and of packages that it needs, that a command reads. */
async function readBy(args: readonly string[]): Promise<string[]> {
  const folder = temporaryFolder();
  const preload = join(folder, 'opened.cjs');
  const opened = join(folder, 'opened.json');
  const coverage = join(folder, 'coverage');
  writeFileSync(preload, OPENED);
  const env = { NODE_OPTIONS: `--require ${preload}`, NODE_V8_COVERAGE: coverage, OPENED: opened };
  const { code, stderr } = await moeprof(args, { env });
  expect([code, stderr]).toEqual([0, '']);
  const scripts = readdirSync(coverage).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8')) as { result: readonly { url: string }[] };
    return result.filter(({ url }) => url.startsWith('file:')).map(({ url }) => fileURLToPath(url));
  });
  const paths = new Set([...scripts, ...(JSON.parse(readFileSync(opened, 'utf8')) as string[])]);
  return [...paths].filter((path) => path.startsWith(ROOT));
}

// A tenth and more above what each read when this was written, so that only what loads another part of moeprof, or a package, is noticed.
it.each([
  [['--version'], 220_000, 15],
  [['--help'], 240_000, 16],
  [['explain', 'cache.hit_rate'], 1_400_000, 125],
  [['run'], 3_800_000, 175],
  [['advise', 'gpt-oss-120b', '-w', 'rtx-3090+64GB'], 3_700_000, 175],
])('%j reads at most %d bytes of %d files', async (args, mostBytes, mostFiles) => {
  const paths = await readBy(args);
  // Were nothing listed, everything would pass.
  expect(paths).toContain(BIN);
  expect(paths).toContain(join(ROOT, 'dist/cli/main.js'));
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  expect(bytes, paths.join('\n')).toBeLessThanOrEqual(mostBytes);
  expect(paths.length, paths.join('\n')).toBeLessThanOrEqual(mostFiles);
});
