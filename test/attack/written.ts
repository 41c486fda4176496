// Readers of files that users write beside traces and models, for the fuzz test: studies, machines of parts, measurements, logs, modules.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importOwn } from '../../src/base/user-module.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadReproduction } from '../../src/measured/reproduce/reproduction.js';
import { readRows } from '../../src/measured/validate/rows/measurement.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { readTimings } from '../../src/runtime/timings.js';
import { loadSearch } from '../../src/study/search/search-file.js';
import { isStudy, loadStudy } from '../../src/study/study-file.js';
import type { Reader } from './tries.js';

const ROOT = join(import.meta.dirname, '../..');

/** The files of a folder of the repository with an ending, cut to a size that is quickly read. */
export function filesBelow(folder: string, ending: string, most = 64 * 1024): Record<string, Uint8Array> {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(ending) && name !== 'README.md');
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(ROOT, folder, name)).subarray(0, most)]));
}

/** The first lines of a file of the repository. */
function head(path: string, lines: number): Buffer {
  return Buffer.from(readFileSync(join(ROOT, path), 'utf8').split('\n').slice(0, lines).join('\n'));
}

/** By name. */
export const writtenReaders: Readonly<Record<string, Reader>> = {
  study: {
    ending: '.yaml',
    kinds: ['profile'],
    files: {
      study: Buffer.from(
        'run: quickstart\nset: { workload.tokens: 100 }\naxes:\n  system: [fiddler, on-demand-lru]\n  seed: 1..3\nzip:\n  - { hardware: [t4, ./my.yaml], workload.batch: [1, 8] }\nexclude:\n  - { system: fiddler, seed: 2 }\nsample: { points: 5 }\nmetrics: [cache.hit_rate]\n',
      ),
    },
    read: (path) => [isStudy(path), loadStudy(path)],
  },
  search: { ending: '.yaml', kinds: ['profile'], files: { search: head('examples/search.yaml', 200) }, read: (path) => loadSearch(path) },
  reproduction: {
    ending: '.yaml',
    kinds: ['profile'],
    share: 0.3,
    files: filesBelow('profiles/reproductions', '.yaml'),
    read: (path) => loadReproduction(path),
  },
  runtime: {
    ending: '.yaml',
    kinds: ['profile'],
    share: 0.3,
    files: filesBelow('profiles/runtimes', '.yaml'),
    read: (path) => loadRuntime(path),
  },
  'machine of parts': {
    ending: '.yaml',
    kinds: ['profile'],
    share: 0.3,
    files: {
      parts: Buffer.from('name: box\nparts: [rtx-3090, ryzen-9-7950x, 2xddr5-6000, 64GB, pcie4x16]\nmeasured: { memory: 70 GB/s }\n'),
      whole: Buffer.from('name: spark\nparts: [gb10]\nmeasured: { memory: 231 GB/s }\n'),
    },
    read: (path) => loadHardware(path),
  },
  measurements: {
    ending: '.jsonl',
    kinds: ['measurements'],
    files: { speed: head('profiles/measurements/open.jsonl', 4), memory: head('profiles/measurements/memory.jsonl', 4) },
    read: (path) => readRows(path),
  },
  'log of a runtime': { ending: '', kinds: ['log'], files: filesBelow('test/fixtures/timings', ''), read: (path) => readTimings(path) },
  module: {
    ending: '.mjs',
    kinds: ['module'],
    share: 0.01,
    files: { policy: Buffer.from('export default { name: "own", create: () => ({ touch() {}, victim: () => 0 }) };\n') },
    read: (path) => importOwn('policy', path),
  },
};
