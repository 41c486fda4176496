// How long the command line takes to start: --version against bare node, and the quick start's wall time. [rounds = 25] [--short]
// Needs a build (npm run build).
// Runs of the two sides alternate, so that a machine that is busy with something else slows both. Medians; quartiles say how noisy it was.
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, SHORT } from './lib/bench.mjs';

const BIN = fileURLToPath(new URL('../bin/moeprof.js', import.meta.url));
const ROUNDS = Number(ARGUMENTS[0] ?? (SHORT ? 1 : 25));
const CASES = [
  { name: 'node -e 0', args: ['-e', '0'], rounds: ROUNDS },
  { name: 'moeprof --version', args: [BIN, '--version'], rounds: ROUNDS },
  { name: 'moeprof --help', args: [BIN, '--help'], rounds: ROUNDS },
  { name: 'moeprof run (quick start)', args: [BIN, 'run'], rounds: Math.ceil(ROUNDS / 3) },
];

/** Wall time of one process, ms. */
function wall(args) {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`);
  return performance.now() - start;
}

const times = CASES.map(() => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [index, { args, rounds }] of CASES.entries()) if (round < rounds) times[index].push(wall(args));
}

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];
const bare = quantile(times[0], 0.5);
console.log(`node ${process.version}, ${cpus()[0].model.trim()}, ${availableParallelism()} threads, load ${loadavg()[0].toFixed(1)}`);
console.log('case                          median ms   quartiles ms    x bare node');
for (const [index, { name }] of CASES.entries()) {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(times[index], share).toFixed(0));
  console.log(
    `${name.padEnd(28)} ${middle.padStart(10)} ${`${low}-${high}`.padStart(14)} ${(Number(middle) / bare).toFixed(2).padStart(14)}`,
  );
}
