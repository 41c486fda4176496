// Speed of cache policies: node bench/policies.mjs [activations in millions = 20] [runs = 3] [policy ...] [--short]
// Needs a build (npm run build). The trace is generated (test/claims/conformance/routing.mjs): 24 layers of 64 experts, top-8, replayed
// sequentially, each activation on its own, in one thread, at 10, 25 and 50 % of the 1,536 experts. Every row is a process of its own.
// Figures are million activations per second of processor time (the best of the runs): of `moeprof curve`'s own loop, the file's
// reading included, and of the replay alone. With CACHESIM=/path/to/cachesim the same trace is run through libCacheSim
// (oracleGeneral, uncompressed, one thread), measured the same way, the best of as many runs, and both miss ratios are printed.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachesim, NAMES, writeOracleGeneral } from '../test/claims/conformance/libcachesim.mjs';
import { Routing, SHAPES } from '../test/claims/conformance/routing.mjs';
import { ARGUMENTS, fromBuild, inProcess, machine, SHORT, skip } from './lib/bench.mjs';

const SHAPE = SHAPES.fine;
const EXPERTS = SHAPE.layers * SHAPE.experts;
const SHARES = SHORT ? [0.25] : [0.1, 0.25, 0.5];
/** libCacheSim's further policies of the same name; their miss ratios differ where the publications leave room. */
const SIMILAR = { slru: 'slru', gdsf: 'gdsf', lirs: 'lirs', 'w-tinylfu': 'wtinylfu', random: 'random' };
const POLICIES = [
  ...['lru', 'fifo', 'mru', 'clock', 'sieve', 'arc', 's3-fifo', 'two-queue', 'slru', 'lirs', 'w-tinylfu'],
  ...['lfu', 'lfu-resident', 'lfu-decay', 'gdsf', 'lfru', 'hyperbolic', 'random'],
  ...['least-stale', 'layer-position', 'moe-infinity', 'belady', 'belady-admit', 'belady-window'],
];

/** A model that is nothing but experts of one byte. */
function model() {
  const layers = Array.from({ length: SHAPE.layers }, (_, index) => ({
    index,
    experts: SHAPE.experts,
    topK: SHAPE.topK,
    expertBytes: 1,
    flopsPerToken: 0,
    offset: index * SHAPE.experts,
  }));
  const dense = { segments: [], weightBytes: 0, kvBytesPerToken: 0 };
  return { name: 'bench', quantization: 'none', layers, dense, experts: EXPERTS, parameters: { total: 0, active: 0 } };
}

function generate({ path, tokens, oracle }) {
  const row = SHAPE.layers * SHAPE.topK;
  const experts = new Uint16Array(tokens * row);
  new Routing(SHAPE).fill(experts, tokens);
  const shape = [tokens, SHAPE.layers, SHAPE.topK];
  const header = Buffer.from(
    JSON.stringify({
      __metadata__: { format: 'moeprof.trace/1', num_layers: String(SHAPE.layers), num_experts: String(SHAPE.experts) },
      experts: { dtype: 'U8', shape, data_offsets: [0, experts.length] },
    }),
  );
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  const fd = openSync(path, 'w');
  for (const bytes of [size, header, Uint8Array.from(experts)]) writeSync(fd, bytes);
  closeSync(fd);
  if (oracle !== null) writeOracleGeneral(oracle, experts, SHAPE);
  return {};
}

/** Processor seconds of `work`, and what it returned. */
async function timed(work) {
  const start = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(start);
  return [(user + system) / 1e6, value];
}

async function measure({ path, tokens, runs, policy, capacities, reading }) {
  const { openTrace } = await fromBuild('trace/open/open.js');
  const { allocateChunk } = await fromBuild('trace/trace.js');
  const { broadcastHere } = await fromBuild('capacity/broadcast.js');
  const { startJob } = await fromBuild('capacity/jobs.js');
  const { parsePolicy } = await fromBuild('cache/policies/index.js');
  const { topK } = SHAPE;
  const spec = {
    model: model(),
    topK,
    policy: parsePolicy(policy),
    folder: '.',
    capacities: capacities.map((bytes) => ({ bytes, quotas: null })),
    scope: 'global',
    sequential: true,
    warmup: 0,
    seed: 1,
    popularity: null,
  };
  const trace = await openTrace(path, {});
  let all = null;
  if (!reading) {
    all = allocateChunk(trace, tokens);
    trace.read(0, tokens, all);
  }
  let least = Number.POSITIVE_INFINITY;
  let counts = [];
  for (let run = 0; run < runs; run++) {
    const [seconds, found] = await timed(async () => {
      if (reading) return (await broadcastHere(trace, tokens, [spec], {}))[0];
      const job = await startJob(spec);
      const row = SHAPE.layers * topK;
      for (let from = 0; from < tokens; from += 341) {
        job.rows(all.experts.subarray(from * row, (from + 341) * row), Math.min(341, tokens - from));
      }
      const result = job.finish(() => undefined);
      job.close?.();
      return result;
    });
    least = Math.min(least, seconds);
    counts = found;
  }
  trace.close();
  const activations = tokens * SHAPE.layers * topK;
  const hits = counts[0].hits.reduce((sum, layer) => sum + layer, 0);
  return { rate: activations / least / 1e6, missRatio: 1 - hits / activations, peakMiB: process.resourceUsage().maxRSS / 1024 };
}

/** The rate of libCacheSim on the trace, the best of the runs, and its miss ratio. */
function theirs(binary, path, policy, capacity, activations, runs) {
  const { missRatio } = cachesim(binary, path, policy, capacity);
  const command = `TIMEFORMAT='%U %S'; time "$0" "$1" oracleGeneral ${policy} ${capacity} --ignore-obj-size 1 --num-thread 1 >/dev/null`;
  const seconds = Array.from({ length: runs }, () => {
    const { stderr } = spawnSync('bash', ['-c', command, binary, path], { encoding: 'utf8', cwd: tmpdir() });
    const [, user, system] = /([\d.]+) ([\d.]+)\s*$/.exec(stderr).map(Number);
    return user + system;
  });
  return { rate: activations / Math.min(...seconds) / 1e6, missRatio };
}

function main() {
  const [millions = SHORT ? 0.2 : 20, times = SHORT ? 1 : 3, ...named] = ARGUMENTS;
  const tokens = Math.ceil((Number(millions) * 1e6) / SHAPE.layers / SHAPE.topK);
  const runs = Number(times);
  const policies = named.length > 0 ? named : SHORT ? ['lru', 's3-fifo', 'gdsf', 'belady'] : POLICIES;
  const activations = tokens * SHAPE.layers * SHAPE.topK;
  const binary = process.env.CACHESIM ?? null;
  if (SHORT && binary === null) skip('libCacheSim beside it, whose cachesim CACHESIM would name');
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-bench-'));
  const script = new URL(import.meta.url);
  const path = join(folder, 'trace.safetensors');
  const oracle = binary === null ? null : join(folder, 'trace.oracleGeneral.bin');
  try {
    inProcess(script, { path, tokens, oracle });
    console.log(`${machine()}; ${(activations / 1e6).toFixed(1)} million activations, best of ${runs} runs`);
    const rows = policies.flatMap((policy) =>
      SHARES.map((share) => {
        const capacity = Math.ceil(share * EXPERTS);
        const task = { path, tokens, runs, policy, capacities: [capacity] };
        const whole = inProcess(script, { ...task, reading: true });
        const alone = inProcess(script, { ...task, reading: false });
        const row = {
          policy,
          capacity: `${share * 100} %`,
          'with reading': Number(whole.rate.toFixed(1)),
          'replay alone': Number(alone.rate.toFixed(1)),
          'miss ratio': Number(whole.missRatio.toFixed(4)),
          'peak MiB': Math.round(whole.peakMiB),
        };
        const name = NAMES[policy] ?? SIMILAR[policy];
        if (binary === null || name === undefined) return row;
        const other = theirs(binary, oracle, name, capacity, activations, runs);
        return {
          ...row,
          libCacheSim: Number(other.rate.toFixed(1)),
          ratio: Number((whole.rate / other.rate).toFixed(1)),
          'its miss ratio': other.missRatio,
        };
      }),
    );
    console.table(rows);
    if (named.length === 0) {
      const all = { path, tokens, runs, policy: 'lru', capacities: Array.from({ length: EXPERTS }, (_, i) => i + 1) };
      const { rate, peakMiB } = inProcess(script, { ...all, reading: true });
      console.log(
        `lru at all ${EXPERTS} capacities, one exact pass, with reading: ${rate.toFixed(1)} M/s, peak ${Math.round(peakMiB)} MiB`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === '--measure') {
  const task = JSON.parse(process.argv[3]);
  console.log(JSON.stringify(await (task.policy === undefined ? generate(task) : measure(task))));
} else main();
