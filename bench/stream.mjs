// Memory bandwidth as `moeprof machine calibrate` measures it, beside STREAM's triad in C: node bench/stream.mjs [rounds = 5] [--short]
// Needs a build and gcc. Both take turns; per number of threads it prints the best of each (STREAM's best repeat, and the best median of
// a visit, which is what calibrate writes down), the medians of the rounds with the distance between the farthest two, and both ratios.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, fromBuild, median, SHORT, skip } from './lib/bench.mjs';

const { threadCounts } = await fromBuild('measured/measure/machine-rates.js');
const { rateOf, visit } = await fromBuild('measured/measure/together.js');

const BYTES = (SHORT ? 12 : 192) * 2 ** 20;
const rounds = Number(ARGUMENTS[0] ?? (SHORT ? 1 : 5));
const folder = mkdtempSync(join(tmpdir(), 'stream-'));
const program = join(folder, 'stream');
try {
  execFileSync('gcc', ['-O3', '-march=native', '-pthread', fileURLToPath(new URL('./lib/stream.c', import.meta.url)), '-o', program]);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
  skip('STREAM beside it, which needs gcc');
  process.exit(0);
}
const gigabytes = (value) => `${(value / 1e9).toFixed(2)} GB/s`;
console.log(`${cpus()[0].model}, ${availableParallelism()} processors, load ${loadavg()[0].toFixed(1)}, ${rounds} rounds in turns`);
for (const threads of threadCounts(availableParallelism())) {
  const ours = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    const lines = execFileSync(program, [threads, BYTES, 20].map(String), { encoding: 'utf8' });
    const rates = lines.trim().split('\n').map(Number);
    theirs.push({ best: Math.max(...rates), rate: median(rates) });
    ours.push(rateOf([await visit(new Array(threads).fill({ kind: 'triad', bytes: BYTES }))]));
  }
  const best = (all) => Math.max(...all.map((one) => one.best));
  const middles = (all) => median(all.map(({ rate }) => rate));
  const apart = (all) => Math.max(...all.map(({ rate }) => rate)) / Math.min(...all.map(({ rate }) => rate)) - 1;
  console.log(`${threads} thread${threads === 1 ? '' : 's'}`);
  console.log(
    `  STREAM   best ${gigabytes(best(theirs))}  median ${gigabytes(middles(theirs))}  rounds ${(100 * apart(theirs)).toFixed(0)} % apart`,
  );
  console.log(
    `  moeprof  best ${gigabytes(best(ours))}  median ${gigabytes(middles(ours))}  rounds ${(100 * apart(ours)).toFixed(0)} % apart`,
  );
  console.log(`  moeprof / STREAM  best ${(best(ours) / best(theirs)).toFixed(3)}  median ${(middles(ours) / middles(theirs)).toFixed(3)}`);
}
rmSync(folder, { recursive: true });
