// What a placement captures and is worth on recordings: node bench/place.mjs [recording ...] [--short]
// Needs a build (npm run build). Each recording is counted on its first half and judged on the second, with 25 % of its experts on the card:
// the halves of one text, then those of each pair of texts, then tokens a second on three machines beside caches of as many bytes. Without a
// recording, the bundled one. docs/plan.md has the tables; every figure is simulated, so that they are the same on every machine.
import { ARGUMENTS, fromBuild, markdownTable, SHORT } from './lib/bench.mjs';

const { answerPlacement } = await fromBuild('place/place.js');
const { checkRun } = await fromBuild('system/load-run.js');
const { openTrace } = await fromBuild('trace/open/open.js');

const MACHINES = [
  'rtx-3060+ryzen-5-5600x+2xddr4-3200+64GB',
  'rtx-4090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16',
  'rtx-4060-laptop+i7-8700+2xddr4-2666+32GB+pcie3x8',
];
const TOKENS = SHORT ? 64 : 1000;
const recordings = ARGUMENTS.length > 0 ? ARGUMENTS : ['profiles/traces/mini-finegrained-64x12l.safetensors'];
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const nameOf = (path) =>
  path
    .split('/')
    .at(-1)
    .replace(/\.safetensors$/, '');

async function ask(counted, judged, hardware) {
  const values = hardware === null ? {} : { hardware, 'workload.tokens': TOKENS };
  const fixed = Object.entries(values).map(([path, value]) => ({ path: path.split('.'), value, label: 'bench' }));
  const request = {
    parts: [{ named: counted, weight: 1 }],
    judged: [judged],
    by: 'counts',
    holdOut: 0.5,
    inSample: false,
    split: 'even',
    slots: '25%',
  };
  const runWith = (more) => checkRun({}, 'bench', [...fixed, ...more]);
  return (await answerPlacement({ ...request, engine: null, parallel: null, priced: hardware !== null }, runWith, {}, '')).placement;
}

async function halvesOf(path) {
  const trace = await openTrace(path);
  const { layers, tokens, topK } = trace;
  trace.close();
  const half = tokens >> 1;
  return { path, first: `${path}#0:${half}`, second: `${path}#${half}:${tokens}`, shape: `${layers} ${topK}` };
}

const halves = await Promise.all(recordings.map(halvesOf));
const captures = [];
for (const counted of halves) {
  for (const judged of halves.filter(({ shape }) => shape === counted.shape)) {
    const { domains, score } = await ask(counted.first, judged.second, null);
    const caches = Object.fromEntries(domains[0].caches.map(({ hitRate, policy }) => [policy.split(':')[0], percent(hitRate)]));
    captures.push({
      'counted on': nameOf(counted.path),
      'judged by': nameOf(judged.path),
      captured: percent(score.captured),
      chance: percent(score.uniform),
      best: percent(score.oracle),
      headroom: percent(score.headroom),
      ...caches,
    });
  }
}
console.log(markdownTable(captures).join('\n'));

const speeds = [];
for (const hardware of SHORT ? MACHINES.slice(0, 1) : MACHINES) {
  for (const { first, path, second } of halves) {
    const { ways } = await ask(first, second, hardware);
    const row = Object.fromEntries(ways.map(({ decode, hitRate, name }) => [name, `${decode.toFixed(1)} (${percent(hitRate)})`]));
    speeds.push({ machine: hardware, recording: nameOf(path), ...row });
  }
}
console.log(`\n${markdownTable(speeds).join('\n')}`);
