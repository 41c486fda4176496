// The tables of docs/expertflow.md, as Markdown: the system moeprof beside the best published ones, and what each of its parts is worth. All runs
// are under one runtime, llama.cpp unless a table says otherwise, on the same rows: those before them are there to learn from.
import { fromBuild } from './bench.mjs';
import { markdown, percent, recording } from './expertflow-tables.mjs';

const TRACES = { code: 'qwen3-30b-a3b.code', math: 'qwen3-30b-a3b.math', 'gpt-oss': 'gpt-oss-20b.decode' };
const MACHINES = {
  'RTX 3060': 'rtx-3060+ryzen-5-5600',
  'RTX 4090': 'rtx-4090+ryzen-9-7950x',
  'RTX 5090': 'rtx-5090',
  T4: 't4',
};
const MORE_MACHINES = { ...MACHINES, 'RTX 4060 laptop': 'rtx-4060-laptop', H100: 'h100' };
const BATCHES = [1, 4, 16];
const CACHES = ['12.5%', '25%', '50%'];
/** Published systems that are lossless, know no future and lead somewhere, and LRU. */
const PUBLISHED = [
  'fiddler',
  'hybrimoe',
  'dali',
  'ktransformers-dynamic',
  'ktransformers',
  'llama.cpp-hot-cache',
  'expertflow',
  'on-demand-lru',
];

/** Tokens served a second. @param run parts of it that differ from a run of one user with a quarter of the experts */
async function servedBy(
  folder,
  name,
  system,
  tokens,
  { batch = 1, cache = '25%', hardware, runtime = 'llama.cpp', bounds = false, found = 'none' },
) {
  const { simulate } = await fromBuild('index.js');
  const wanted = Math.round(tokens * { 1: 1, 4: 1.5, 16: 2.5 }[batch]);
  const workload = { batch, tokens: wanted, holdOut: 0.5 };
  const { trace, model } = recording(folder, TRACES[name], wanted);
  // Whole files: the rows that are held out are there to learn from.
  const whole = trace.replace(/#.*/, '');
  const { metrics } = await simulate({
    trace: whole,
    model,
    hardware,
    runtime,
    system,
    memory: { expertCache: cache },
    workload,
    bounds,
    found,
  });
  return metrics;
}

const served = (metrics) => metrics['throughput.generated'].value;
const geometric = (ratios) => Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
const times = (ratio) => ratio.toFixed(2);

/** Machines x (batches, caches), and two more runtimes: what the recordings of each cell have in common. @param cell figure of a run and a recording */
async function cellTable(cell, common) {
  const slice = (runtime) => Object.entries(MACHINES).map(([title, hardware]) => ({ title: `${title}, ${runtime}`, hardware, runtime }));
  const lines = [
    ...slice('llama.cpp').map((line) => ({ ...line, sizes: BATCHES.flatMap((batch) => CACHES.map((cache) => ({ batch, cache }))) })),
    ...[...slice('ideal').slice(1, 2), ...slice('hf-eager').slice(1, 2)].map((line) => ({
      ...line,
      sizes: BATCHES.map((batch) => ({ batch, cache: '25%' })),
    })),
  ];
  const rows = [];
  for (const { title, hardware, runtime, sizes } of lines) {
    const row = [title];
    for (const batch of BATCHES) {
      for (const cache of CACHES) {
        if (!sizes.some((size) => size.batch === batch && size.cache === cache)) {
          row.push('–');
          continue;
        }
        const ratios = [];
        for (const name of Object.keys(TRACES)) ratios.push(await cell({ batch, cache, hardware, runtime }, name));
        row.push(times(common(ratios)));
      }
    }
    rows.push(row);
    console.error(row.join(' | '));
  }
  const heads = BATCHES.flatMap((batch) => CACHES.map((cache) => `${batch}, ${cache}`));
  return markdown(['users, cache', ...heads], rows);
}

/** The floor over the best found, which is the least of the schedules that know the future, moeprof's run, and those of two more systems. */
export async function floorTable(folder, tokens) {
  const all = [];
  const cell = async (run, name) => {
    const own = await servedBy(folder, name, 'moeprof', tokens, { ...run, bounds: true, found: 'all' });
    const others = [];
    for (const system of ['fiddler', 'hybrimoe']) others.push((await servedBy(folder, name, system, tokens, run))['time.total'].value);
    all.push(own['bound.floor.total'].value / Math.min(own['bound.found.total'].value, ...others));
    return all.at(-1);
  };
  const table = await cellTable(cell, geometric);
  all.sort((a, b) => a - b);
  const at = (share) => times(all[Math.floor(share * (all.length - 1))]);
  return `${table}\n\nIn the median ${at(0.5)}, one cell in ten below ${at(0.1)}, at least ${at(0)}, at most ${at(1)}.`;
}

/** How many times as fast moeprof is as the best published system of each cell: machines x (batches, caches), and under two more runtimes. */
export async function leadTable(folder, tokens) {
  const all = [];
  const leaders = new Map();
  const cell = async (run, name) => {
    const own = served(await servedBy(folder, name, 'moeprof', tokens, run));
    let best = 0;
    let leader = '';
    for (const system of PUBLISHED) {
      const speed = served(await servedBy(folder, name, system, tokens, run));
      if (speed > best) [best, leader] = [speed, system];
    }
    leaders.set(leader, (leaders.get(leader) ?? 0) + 1);
    all.push(own / best);
    return own / best;
  };
  const table = await cellTable(cell, geometric);
  const first = all.filter((ratio) => ratio >= 1).length;
  const counts = [...leaders].sort((a, b) => b[1] - a[1]).map(([system, count]) => `\`${system}\` ${count}`);
  return (
    `${table}\n\nFirst in ${first} of ${all.length} cells; ${times(geometric(all))} times the best published ` +
    `system of each cell in the geometric mean, ${times(Math.min(...all))} to ${times(Math.max(...all))}. The best published one: ${counts.join(', ')}.`
  );
}

/** Parts of the system, from LRU to all of them. */
const PREDICTION = {
  predictor: { kind: 'path-retrieval', horizon: 8, correction: true },
  prefetch: { minProbability: 0.05, when: 'pays', chunk: '512KiB', across: true },
};
const STEPS = {
  LRU: { cache: { policy: 'lru' } },
  'learned eviction': { cache: { policy: 'learned-belady' } },
  prediction: { cache: { policy: 'plec' }, ...PREDICTION },
  'earlier text': { cache: { policy: 'plec', warm: 1000 }, ...PREDICTION },
  'CPU or link': { cache: { policy: 'plec', warm: 1000 }, ...PREDICTION, onMiss: { do: 'cheaper', admit: 'background' } },
  'CPU and link': { cache: { policy: 'plec', warm: 1000 }, ...PREDICTION, onMiss: { do: 'balance', admit: 'background' } },
  'without prediction': { cache: { policy: 'learned-belady', warm: 1000 }, onMiss: { do: 'balance', admit: 'background' } },
};

/** Tokens a second of one user as parts are added, on six machines, and of moeprof on a CPU with half and one and a half times the memory speed. */
export async function aheadTable(folder, tokens) {
  const rows = [];
  for (const [title, hardware] of Object.entries(MORE_MACHINES)) {
    for (const name of Object.keys(TRACES)) {
      const speeds = [];
      for (const [step, parts] of Object.entries(STEPS))
        speeds.push(served(await servedBy(folder, name, { name: step, ...parts }, tokens, { hardware })));
      const [lru] = speeds;
      const whole = speeds[5];
      rows.push([title, name, lru.toFixed(1), ...speeds.slice(1).map((speed) => times(speed / lru))]);
      rows.at(-1).push(percent(whole / speeds[6] - 1));
      console.error(rows.at(-1).join(' | '));
    }
  }
  const heads = Object.keys(STEPS).slice(1);
  return markdown(['machine', 'text', 'LRU, tok/s', ...heads, 'prediction gains'], rows);
}

/** How many times as fast moeprof is as fiddler and hybrimoe, with half, all and one and a half times the memory speed of the CPU. */
export async function cpuTable(folder, tokens) {
  const rows = [];
  for (const [title, memory] of Object.entries({ half: '1xddr5-6000', whole: '2xddr5-6000', 'one and a half': '2xddr5-9000' })) {
    const row = [title];
    for (const name of Object.keys(TRACES)) {
      for (const rival of ['fiddler', 'hybrimoe']) {
        const run = { hardware: `rtx-4090+ryzen-9-7950x+${memory}` };
        const own = served(await servedBy(folder, name, 'moeprof', tokens, run));
        row.push(times(own / served(await servedBy(folder, name, rival, tokens, run))));
      }
    }
    rows.push(row);
    console.error(row.join(' | '));
  }
  const heads = Object.keys(TRACES).flatMap((name) => [`${name}: fiddler`, 'hybrimoe']);
  return markdown(['memory speed', ...heads], rows);
}
