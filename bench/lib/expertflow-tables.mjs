// The tables of docs/expertflow.md and bench/expertflow.md, as Markdown. All runs cache a quarter of the experts over all layers unless they say otherwise, with
// caches that are cold.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBuild } from './bench.mjs';

/** States what kernels reach, so that the runtimes of systems, PyTorch among them, do not hide what copies cost. */
const CALIBRATED = fileURLToPath(new URL('../../test/support/calibrated/rtx-4090.yaml', import.meta.url));
/** Rows of the recordings that are replayed: the first; those before them are there to learn from. */
const FROM = { 'qwen3-30b-a3b.code': 6000, 'qwen3-30b-a3b.math': 6000, 'gpt-oss-20b.decode': 12_000 };
/** The parts of the system `expertflow` that serve one batch at a time. */
const EXPERTFLOW = {
  name: 'expertflow',
  cache: { policy: 'plec' },
  predictor: { kind: 'path-retrieval', horizon: 8 },
  prefetch: { minProbability: 0.05, when: 'pays', chunk: '512KiB', across: 'auto' },
};
const QUARTER = { expertCache: '25%' };

/** One recording as a run reads it, `tokens` of its rows. */
export function recording(folder, name, tokens) {
  const model = name.split('.')[0] === 'gpt-oss-20b' ? 'gpt-oss-20b' : 'qwen3-30b-a3b';
  return { trace: `${join(folder, name)}.safetensors#${FROM[name]}:${FROM[name] + tokens}`, model };
}

/** Time per token of the same passes under each choice: machines x traces x batches. */
export async function machinesTable(folder, tokens) {
  const { simulate } = await fromBuild('index.js');
  const traces = {
    code: recording(folder, 'qwen3-30b-a3b.code', tokens),
    maths: recording(folder, 'qwen3-30b-a3b.math', tokens),
    'gpt-oss': recording(folder, 'gpt-oss-20b.decode', tokens),
    'our 64 experts': { trace: 'mini-finegrained-64x12l', workload: { tokens } },
    random: { ...recording(folder, 'qwen3-30b-a3b.code', tokens), variants: ['random'] },
  };
  const lru = { name: 'lru', cache: { policy: 'lru' } };
  const systems = {
    lru,
    perLayer: { ...lru, cache: { policy: 'lru', scope: 'layer' } },
    learned: { name: 'learned', cache: { policy: 'learned-belady' } },
    // No score is above 1, and none of 1 pays here: predictions rank the cache, and nothing is brought before its demand.
    without: { ...EXPERTFLOW, prefetch: { minProbability: 1, when: 'pays' } },
    expertflow: EXPERTFLOW,
  };
  const rows = [];
  for (const hardware of ['t4', 'rtx-4090', 'h100']) {
    for (const [name, trace] of Object.entries(traces)) {
      for (const batch of [1, 4, 16]) {
        const ms = {};
        for (const [key, system] of Object.entries(systems)) {
          const workload = { ...trace.workload, batch };
          const result = await simulate({
            ...trace,
            hardware,
            runtime: 'llama.cpp',
            system,
            memory: QUARTER,
            workload,
            bounds: key === 'lru',
            found: 'all',
          });
          ms[key] = result.metrics['latency.tpot.mean'].value / 1e6;
          if (key === 'lru') ms.found = result.metrics['bound.found.tpot'].value / 1e6;
        }
        const way = (ms.lru - ms.expertflow) / (ms.lru - ms.found);
        const gained = 1 - ms.expertflow / ms.without;
        const times = [ms.lru, ms.perLayer, ms.learned, ms.without, ms.expertflow, ms.found].map((value) => value.toPrecision(4));
        rows.push([hardware, name, batch, ...times, `${(100 * way).toFixed(0)} %`, percent(gained)]);
        console.error(rows.at(-1).join(' '));
      }
    }
  }
  const head = ['machine', 'trace', 'batch', 'LRU', 'LRU per layer', 'learned-belady', 'no prefetch', 'expertflow', 'best found'];
  return markdown([...head, 'of the way', 'prefetching gains'], rows);
}

/** Policies that count and order uses and learn nothing of what follows what. */
const COUNTING =
  'lru lfu lfu-decay lfu-resident arc s3-fifo slru two-queue lirs w-tinylfu lecar gdsf hyperbolic sieve clock llama-moe-cache moe-infinity';

/** Learned on the tokens before: time per token against the best of the policies that only count, per layer or over all. */
export async function trainedTable(folder, tokens) {
  const { checkRun } = await fromBuild('system/load-run.js');
  const { simulateRun } = await fromBuild('engine/simulate.js');
  const rows = [];
  const titles = { 'qwen3-30b-a3b.code': 'code', 'qwen3-30b-a3b.math': 'maths', 'gpt-oss-20b.decode': 'gpt-oss' };
  for (const batch of [16, 4, 1]) {
    for (const [name, title] of Object.entries(titles)) {
      const train = [`${join(folder, name)}.safetensors#0:${FROM[name]}`];
      const run = async (system, bounds = false) => {
        const input = {
          ...recording(folder, name, tokens),
          hardware: CALIBRATED,
          system,
          memory: QUARTER,
          workload: { batch },
          bounds,
          found: 'all',
        };
        const learns = system.predictor !== undefined;
        const learned = learns ? [{ path: ['system', 'predictor', 'train'], value: train, label: '--set' }] : [];
        return (await simulateRun(checkRun(input, 'bench/ablation.mjs', learned))).metrics;
      };
      rows.push([title, batch, ...(await againstCounting(run))]);
      console.error(rows.at(-1).join(' | '));
    }
  }
  const head = ['trace', 'batch', 'LRU per layer', 'best that counts', 'learned-belady', 'expertflow', 'Belady', 'best found'];
  return markdown([...head, 'counting to Belady', 'LRU to best found', 'tok/s: counting', 'one batch', 'two, regrouped'], rows);
}

async function againstCounting(run) {
  const plain = (policy, scope) => ({ name: policy, cache: { policy, scope } });
  let best = { ms: Number.POSITIVE_INFINITY };
  for (const policy of COUNTING.split(' ')) {
    for (const scope of ['layer', 'global']) {
      const metrics = await run(plain(policy, scope));
      const ms = metrics['latency.tpot.mean'].value / 1e6;
      if (ms < best.ms)
        best = { ms, name: scope === 'layer' ? `${policy} per layer` : policy, served: metrics['throughput.generated'].value };
    }
  }
  const time = (metrics, of = 'latency') => metrics[`${of}.tpot${of === 'latency' ? '.mean' : ''}`].value / 1e6;
  const lru = await run(plain('lru', 'global'), true);
  const one = await run(EXPERTFLOW);
  const [belady, found, ms] = [time(lru, 'bound.belady'), time(lru, 'bound.found'), time(one)];
  const perLayer = time(await run(plain('lru', 'layer')));
  const learned = time(await run(plain('learned-belady', 'global')));
  const pool = await run({ ...EXPERTFLOW, scheduler: { kind: 'expertflow', batches: 2 } });
  return [
    perLayer.toFixed(2),
    `${best.ms.toFixed(2)} (${best.name})`,
    ...[learned, ms, belady, found].map((value) => value.toFixed(2)),
    `${((100 * (best.ms - ms)) / (best.ms - belady)).toFixed(0)} %`,
    `${((100 * (time(lru) - ms)) / (time(lru) - found)).toFixed(0)} %`,
    ...[best.served, one['throughput.generated'].value, pool['throughput.generated'].value].map((value) => value.toFixed(1)),
  ];
}

const ABLATIONS = [
  'expertflow',
  'expertflow-no-predictor',
  'expertflow-last-token',
  'expertflow-no-prefetch',
  'expertflow-no-plec',
  'expertflow-no-correction',
  { ...EXPERTFLOW, name: 'expertflow, two batches', scheduler: { kind: 'expertflow', batches: 2 } },
  {
    name: 'expertflow with an oracle',
    cache: { policy: 'plec' },
    predictor: { kind: 'oracle', horizon: 'auto' },
    prefetch: { minProbability: 0.05, when: 'pays', chunk: '512KiB', across: 'auto' },
    scheduler: { kind: 'expertflow', batches: 2 },
  },
];

/** The system and its ablations. */
export function partsTable(folder, tokens) {
  return compared(folder, tokens, ABLATIONS);
}

/** The plain cache, and every published system that runs on one GPU with the choices that were recorded. */
export async function systemsTable(folder, tokens) {
  const { listProfiles } = await fromBuild('base/profiles.js');
  const { loadSystem } = await fromBuild('system/system.js');
  const published = listProfiles('systems').filter((name) => {
    const { cites, overlap, placement, rerank } = loadSystem(name).value;
    const needsMore = rerank !== undefined || placement !== undefined || overlap !== undefined;
    return cites !== undefined && !needsMore && !/^expertflow-(no|last)|^moeprof$/.test(name);
  });
  return compared(folder, tokens, ['on-demand-lru', ...published]);
}

/** Systems on code at batches of 1 and 16: what hits, what the GPU waits for, how much is served, what prefetching cost and saved. */
async function compared(folder, tokens, systems) {
  const { simulate } = await fromBuild('index.js');
  const { loadSystem } = await fromBuild('system/system.js');
  const fixesItsCache = (system) => typeof system === 'string' && loadSystem(system).value.cache.capacity !== undefined;
  const head = ['system', 'hit rate', 'gap closed', 'late', 'stall of time', 'TPOT, ms', 'generated tok/s'];
  head.push('useful / late / wasted prefetches', 'stall avoided, s', 'ns per KB');
  const parts = [];
  for (const batch of [1, 16]) {
    const run = (system) => {
      const memory = fixesItsCache(system) ? {} : QUARTER;
      const bounds = system === 'on-demand-lru';
      // Whole requests from the first row on, so that what systems profile beforehand lies behind what they run.
      const { model } = recording(folder, 'qwen3-30b-a3b.code', tokens);
      const trace = join(folder, 'qwen3-30b-a3b.code.safetensors');
      return simulate({ trace, model, system, hardware: CALIBRATED, memory, workload: { batch, tokens }, bounds });
    };
    const lru = (await run('on-demand-lru')).metrics;
    const floor = lru['cache.hit_rate'].value;
    const bound = lru['bound.belady.hit_rate'].value;
    const rows = [];
    for (const system of systems) {
      rows.push(rowOf(typeof system === 'string' ? system : system.name, (await run(system)).metrics, floor, bound));
      console.error(batch, rows.at(-1).join(' '));
    }
    parts.push(`Batch ${batch}: LRU hits ${percent(floor)}, Belady ${percent(bound)}.\n\n${markdown(head, rows)}`);
  }
  return parts.join('\n\n');
}

function rowOf(name, metrics, floor, bound) {
  const get = (metric) => metrics[metric]?.value;
  const given = (metric, text) => (get(metric) === undefined ? '–' : text(get(metric)));
  return [
    name,
    percent(get('cache.hit_rate')),
    `${(100 * ((get('cache.hit_rate') - floor) / (bound - floor))).toFixed(0)} %`,
    percent(get('cache.late_rate')),
    percent(get('share.stall')),
    (get('latency.tpot.mean') / 1e6).toFixed(2),
    get('throughput.generated').toFixed(1),
    given('prefetch.useful', (useful) => [useful, get('prefetch.late'), get('prefetch.wasted')].join(' / ')),
    given('prefetch.stall_avoided', (ns) => (ns / 1e9).toFixed(1)),
    given('prefetch.stall_avoided_per_byte', (ns) => (1024 * ns).toFixed(1)),
  ];
}

/** Routing of Switch with 32 experts, seven in ten choices of which follow the token's id: set up as test/claims/predict/words.test.ts. */
export async function wordsTable(_folder, tokens) {
  const { checkRun } = await fromBuild('system/load-run.js');
  const { simulateRun } = await fromBuild('engine/simulate.js');
  const vocabulary = { size: 32_128, zipf: 1, share: 0.7 };
  const predicted = (kind) => ({
    name: 'predictive',
    cache: { policy: 'plec' },
    predictor: { kind, horizon: 'all' },
    prefetch: { whenFull: 'wait' },
  });
  const systems = {
    LRU: { name: 'lru', cache: { policy: 'lru', scope: 'layer' } },
    'ensemble without ids': predicted('ensemble:parts=transition+history+markov'),
    'token-table': predicted('token-table'),
    'ensemble with token-table': predicted('ensemble:parts=transition+history+markov+token-table'),
    'path-retrieval': predicted('path-retrieval'),
    oracle: predicted('oracle'),
  };
  const rows = [];
  for (const batch of [4, 16]) {
    for (const slots of [8, 16]) {
      const row = [batch, slots];
      let belady = 0;
      for (const [name, system] of Object.entries(systems)) {
        const input = { model: 'switch-base-32', hardware: CALIBRATED.replace('4090', '3090'), system, bounds: name === 'LRU' };
        const sizes = { memory: { expertCache: `${slots}/layer` }, workload: { batch, tokens, prompt: 0 }, found: 'none' };
        const { metrics } = await simulateRun(
          checkRun({ ...input, ...sizes }, 'bench/ablation.mjs', [
            { path: ['hardware', 'gpu', 'perLayer'], value: '1ms', label: '--set' },
            { path: ['model', 'routing', 'vocabulary'], value: vocabulary, label: '--set' },
          ]),
        );
        row.push(percent(metrics['cache.hit_rate'].value));
        if (name === 'LRU') belady = metrics['bound.belady.hit_rate'].value;
      }
      rows.push([...row, percent(belady)]);
      console.error(rows.at(-1).join(' '));
    }
  }
  return markdown(['batch', 'experts per layer', ...Object.keys(systems), 'Belady'], rows);
}

/** A share with one digit. */
export function percent(ratio) {
  // No minus before what rounds to nothing.
  return `${(100 * ratio).toFixed(1).replace(/^-0\.0$/, '0.0')} %`;
}

/** A table in Markdown. */
export function markdown(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
