// Fitted generator against the trace it was fitted to: node bench/generator.mjs [trace ...] [--short]
// Needs a build (npm run build). Without arguments the recordings in ../shared/traces, else the bundled traces. For each: hit rates of
// LRU, LFU and Belady at 12.5, 25 and 50 % of every layer's experts, reuse within 1 and 16 tokens, recall of a transition table one
// layer ahead, Gini of the load; of the recording, of as many generated tokens (seed 1), and the difference in points. --short: of a thousand
// tokens of a bundled trace, which are too few to keep within the limits.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, fromBuild, machine, SHORT } from './lib/bench.mjs';

const { openTrace } = await fromBuild('trace/open/open.js');
const { routingStatistics } = await fromBuild('trace/stats/index.js');
const { shapeOf } = await fromBuild('trace/open/traced-model.js');
const { fitRouting, synthesizeFitted } = await fromBuild('trace/fit/index.js');
const { requestsOf } = await fromBuild('trace/generate/synthetic.js');
const { drawCurve } = await fromBuild('capacity/curve.js');
const { parsePolicy } = await fromBuild('cache/policies/index.js');

const SHARES = [0.125, 0.25, 0.5];
const POLICIES = ['lru', 'lfu', 'belady'];
/** Points by which a figure may differ. */
const LIMITS = { recall: 5, others: 3 };

function defaults() {
  const shared = fileURLToPath(new URL('../../shared/traces', import.meta.url));
  const bundled = fileURLToPath(new URL('../profiles/traces', import.meta.url));
  if (SHORT) return [`${join(bundled, 'mini-mixtral-8x8l.safetensors')}#0:1000`];
  const folder = existsSync(shared) ? shared : bundled;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => join(folder, name));
}

async function figuresOf(trace) {
  const model = shapeOf(trace);
  const curve = await drawCurve({
    model,
    trace,
    policies: POLICIES.map(parsePolicy),
    folder: '.',
    capacities: SHARES.map((share) => share * model.experts),
    scope: 'layer',
    replay: 'atomic',
    quotas: 'even',
    tokens: trace.tokens,
    warmup: 0,
    seed: 1,
    popularity: null,
    at: null,
    threads: 0,
  });
  const { mean, reuse, transition } = routingStatistics(trace);
  const hits = curve.policies.flatMap(({ policy, points }) => points.map(({ hitRate }, i) => [`${policy} ${100 * SHARES[i]} %`, hitRate]));
  return Object.fromEntries([
    ...hits,
    ['reuse@1', reuse[0]],
    ['reuse@16', reuse[4]],
    ['recall@k', transition?.atK ?? 0],
    ['Gini', mean.gini],
  ]);
}

const percent = (value) => Number((100 * value).toFixed(1));
const paths = ARGUMENTS.length > 0 ? ARGUMENTS : defaults();
console.log(machine());
let failed = false;
for (const path of paths) {
  const trace = await openTrace(path);
  let start = performance.now();
  const fitted = fitRouting(trace);
  const fitMs = performance.now() - start;
  start = performance.now();
  const drawn = synthesizeFitted(fitted, { seed: 1, requests: requestsOf(trace.tokens, fitted.requests) });
  const drawMs = performance.now() - start;
  const [real, generated] = [await figuresOf(trace), await figuresOf(drawn)];
  console.log(
    `${basename(path)}: ${trace.tokens} tokens, ${trace.layers} layers; fitted in ${(fitMs / 1000).toFixed(1)} s, generated in ${(drawMs / 1000).toFixed(1)} s`,
  );
  console.table(
    Object.fromEntries(
      Object.entries(real).map(([name, value]) => {
        const difference = percent(generated[name] - value);
        const limit = name === 'recall@k' ? LIMITS.recall : LIMITS.others;
        if (name !== 'Gini' && Math.abs(difference) > limit) failed = true;
        return [name, { recorded: percent(value), generated: percent(generated[name]), difference, limit }];
      }),
    ),
  );
  trace.close();
  drawn.close();
}
if (failed && !SHORT) {
  console.error('a figure differs by more than its limit');
  process.exitCode = 1;
}
