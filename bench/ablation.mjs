// What each part of ExpertFlow buys: node bench/ablation.mjs TRACE [model = as the trace says] [tokens = 8000] [--systems]
// Needs a build (npm run build). Runs the system, its ablations and references on one trace at batch 1 and 16, an RTX 4090, a quarter of the
// experts cached unless a system fixes its cache, and prints Markdown: hit rate, the part of the gap from on-demand LRU to Belady that is
// closed, what the GPU waits for, what a user waits for and how much is served, and what prefetching cost and saved. With --systems: the
// systems of the field instead of the ablations.
import { fileURLToPath } from 'node:url';
import { fromDist } from './lib/bench.mjs';

const CALIBRATED = fileURLToPath(new URL('../test/support/calibrated/rtx-4090.yaml', import.meta.url));

const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const [trace, model, tokens = '8000'] = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const ABLATIONS = [
  'expertflow',
  'expertflow-no-predictor',
  'expertflow-last-token',
  'expertflow-no-prefetch',
  'expertflow-no-plec',
  'expertflow-no-correction',
  'expertflow-no-scheduler',
  {
    name: 'expertflow with an oracle',
    cache: { policy: 'plec' },
    predictor: { kind: 'oracle', horizon: 'auto' },
    prefetch: { minProbability: 0.4, whenFull: 'wait' },
    scheduler: { kind: 'expertflow', batches: 2 },
  },
];

/** The plain cache, and every published system that runs on one GPU with the choices that were recorded. */
async function systemsOfTheField() {
  const { listProfiles } = await fromDist('base/profiles.js');
  const { loadSystem } = await fromDist('system/system.js');
  const published = listProfiles('systems').filter((name) => {
    const { cites, overlap, placement, rerank } = loadSystem(name).value;
    const needsMore = rerank !== undefined || placement !== undefined || overlap !== undefined;
    return cites !== undefined && !needsMore && !ABLATIONS.slice(1).includes(name);
  });
  return ['on-demand-lru', ...published];
}

async function main() {
  const { simulate } = await fromDist('index.js');
  const { loadSystem } = await fromDist('system/system.js');
  const fixesItsCache = (system) => loadSystem(system).value.cache.capacity !== undefined;
  const systems = flags.includes('--systems') ? await systemsOfTheField() : ABLATIONS;
  for (const batch of [1, 16]) {
    const run = (system) =>
      simulate({
        trace,
        system,
        // States what kernels reach, so that the runtimes of systems, PyTorch among them, do not hide what copies cost.
        hardware: CALIBRATED,
        memory: fixesItsCache(system) ? {} : { expertCache: '25%' },
        workload: { batch, tokens: Number(tokens) },
        ...(model === undefined ? {} : { model }),
      });
    const lru = await run('on-demand-lru');
    const value = (result, name) => result.metrics[name]?.value;
    const floor = value(lru, 'cache.hit_rate');
    const bound = value(lru, 'bound.belady.hit_rate');
    console.log(`\nBatch ${batch}: LRU hits ${percent(floor)}, Belady ${percent(bound)}.\n`);
    console.log(
      '| system | hit rate | gap closed | late | stall of time | TPOT, ms | generated tok/s | useful / late / wasted prefetches | stall avoided, s | ns per KB |',
    );
    console.log('|---|---|---|---|---|---|---|---|---|---|');
    for (const system of systems) {
      const result = await run(system);
      const get = (name) => value(result, name);
      const cells = [
        typeof system === 'string' ? system : system.name,
        percent(get('cache.hit_rate')),
        `${(100 * ((get('cache.hit_rate') - floor) / (bound - floor))).toFixed(0)} %`,
        percent(get('cache.late_rate')),
        percent(get('share.stall')),
        (get('latency.tpot.mean') / 1e6).toFixed(2),
        get('throughput.generated').toFixed(1),
        get('prefetch.useful') === undefined ? '–' : [get('prefetch.useful'), get('prefetch.late'), get('prefetch.wasted')].join(' / '),
        get('prefetch.stall_avoided') === undefined ? '–' : (get('prefetch.stall_avoided') / 1e9).toFixed(1),
        get('prefetch.stall_avoided_per_byte') === undefined ? '–' : (1024 * get('prefetch.stall_avoided_per_byte')).toFixed(1),
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
}

function percent(ratio) {
  return `${(100 * ratio).toFixed(1)} %`;
}

if (trace === undefined) {
  console.error('usage: node bench/ablation.mjs TRACE [MODEL] [TOKENS] [--systems]');
  process.exitCode = 2;
} else {
  await main();
}
