// What each part of ExpertFlow buys: node bench/ablation.mjs TRACE [model = as the trace says] [tokens = 8000] [--systems]
// Needs a build (npm run build). Runs the system, its ablations and references on one trace at batch 1 and 16, rtx-4090, a quarter of the
// experts cached, and prints Markdown: hit rate, the part of the gap from on-demand LRU to Belady that is closed, what the GPU waits for,
// and what prefetching cost and saved. With --systems: the systems of the field instead of the ablations.
import { fromDist } from './lib/bench.mjs';

const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const [trace, model, tokens = '8000'] = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const oracle = {
  name: 'expertflow with an oracle',
  cache: { policy: 'plec' },
  predictor: { kind: 'oracle', horizon: 'auto' },
  prefetch: { minProbability: 0.4, whenFull: 'wait' },
};
const ABLATIONS = [
  'expertflow',
  'expertflow-no-predictor',
  'expertflow-last-token',
  'expertflow-no-prefetch',
  'expertflow-no-plec',
  'expertflow-no-correction',
  oracle,
];
const SYSTEMS = [
  'on-demand-lru',
  'mixtral-offloading',
  'fiddler',
  'llama.cpp-static',
  'pre-gated-moe',
  'read-me',
  'moe-infinity',
  'finemoe',
  'promoe',
  'hybrimoe',
  'adapmoe',
  'hobbit',
  'expertflow',
];

async function main() {
  const { simulate } = await fromDist('index.js');
  for (const batch of [1, 16]) {
    const run = (system) =>
      simulate({
        trace,
        system,
        hardware: 'rtx-4090',
        memory: { expertCache: '25%' },
        workload: { batch, tokens: Number(tokens) },
        ...(model === undefined ? {} : { model }),
      });
    const lru = await run('on-demand-lru');
    const value = (result, name) => result.metrics[name]?.value;
    const floor = value(lru, 'cache.hit_rate');
    const bound = value(lru, 'bound.belady.hit_rate');
    console.log(`\nBatch ${batch}: LRU hits ${percent(floor)}, Belady ${percent(bound)}.\n`);
    console.log(
      '| system | hit rate | gap closed | late | stall of time | TPOT, ms | useful / late / wasted prefetches | stall avoided, s | ns per KB |',
    );
    console.log('|---|---|---|---|---|---|---|---|---|');
    for (const system of flags.includes('--systems') ? SYSTEMS : ABLATIONS) {
      const result = await run(system);
      const get = (name) => value(result, name);
      const cells = [
        typeof system === 'string' ? system : system.name,
        percent(get('cache.hit_rate')),
        `${(100 * ((get('cache.hit_rate') - floor) / (bound - floor))).toFixed(0)} %`,
        percent(get('cache.late_rate')),
        percent(get('share.stall')),
        (get('latency.tpot.mean') / 1e6).toFixed(2),
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
