// What composing a pass costs: node bench/schedulers.mjs [passes = 2000] [--short]
// Needs a build (npm run build). Switch-like routing, 12 layers of 128 experts, top-1; 256 requests of 64 tokens, batch 32, so pools hold
// 64 requests. Prints, for every scheduler, the time of `next` by the clock: the median of all passes, and of those in which ExpertFlow
// composes a round (64 tokens, balanced K-medoids), which its paper gives as less than 10 ms.
import { ARGUMENTS, fromBuild, machine, median, SHORT } from './lib/bench.mjs';

const BATCH = 32;
const passes = Number(ARGUMENTS[0] ?? (SHORT ? 20 : 2000));

const [{ SCHEDULERS }, { resolveParameters }, { Random }, { KvRoom }, { Pass }, { Passes }, { PathView }, { ClosedLoop }] =
  await Promise.all(
    [
      'schedule/index.js',
      'base/parameters.js',
      'base/random.js',
      'schedule/kv-room.js',
      'schedule/pass.js',
      'schedule/passes.js',
      'schedule/paths.js',
      'schedule/workload.js',
    ].map(fromBuild),
  );
const { synthesize } = await fromBuild('trace/generate/synthetic.js');
const { loadModel } = await fromBuild('model/load/load.js');

const model = loadModel('switch-base-128');
const trace = synthesize(model, { seed: 1, requests: Array.from({ length: 256 }, () => ({ prefill: 0, decode: 64 })) });
const experts = model.layers.map((layer) => layer.experts);

/** Times of `next`, us, of so many passes. */
function measure(definition) {
  const times = [];
  const limits = { batch: BATCH, maxTokensPerPass: 512 };
  const parameters = resolveParameters(definition.name, definition.parameters, {});
  const running = definition.running?.(limits, parameters) ?? BATCH;
  const context = {
    kv: new KvRoom(Number.POSITIVE_INFINITY),
    paths: new PathView(trace, experts, 16),
    residency: { holds: (id) => id % 8 === 0 },
    random: new Random(1, 'bench'),
  };
  while (times.length < passes) {
    const scheduler = definition.create(limits, parameters, context);
    const timed = {
      add: (request) => scheduler.add(request),
      finished: (shares, nowNs) => scheduler.finished(shares, nowNs),
      get pending() {
        return scheduler.pending;
      },
      next: (nowNs) => {
        const start = performance.now();
        const shares = scheduler.next(nowNs);
        times.push((performance.now() - start) * 1e3);
        return shares;
      },
    };
    const loop = new Passes(new ClosedLoop(trace.requests, running), timed, new Pass(trace, running), context.kv);
    while (loop.next(0) >= 0) loop.done(0);
  }
  return times;
}

console.log(`${machine()}; batch ${BATCH}, 12 layers of 128 experts`);
console.table(
  SCHEDULERS.map((definition) => {
    measure(definition);
    const times = measure(definition);
    const row = { scheduler: definition.name, 'median, us': Number(median(times).toFixed(1)) };
    // Every second pass of ExpertFlow composes a round, and takes longer than one that hands out a batch of it.
    const rounds = [...times].sort((x, y) => x - y).slice(times.length >> 1);
    return definition.name === 'expertflow' ? { ...row, 'a round of 64, us': Number(median(rounds).toFixed(1)) } : row;
  }),
);
