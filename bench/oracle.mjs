// L18, shipped predictors beside the truth: node bench/oracle.mjs [FOLDER] [--tokens=N] [--cells=N] [--seed=S] [--systems] [--short]
// Needs a build (npm run build). FOLDER has the recordings qwen3-30b-a3b.code, qwen3-30b-a3b.math and gpt-oss-20b.decode (.safetensors); the two
// bundled texts are there without it. A cell is a text, a batch, a way of missing, a machine and a predictor; it prints the time of the run with
// the oracle over that with the predictor. Without --cells the matrix is run with the predictor of the system alone, at a quarter of the experts;
// with it, N cells are drawn over all predictors, caches and runtimes as well. --machines=A,B and --texts=A,B take fewer. With --systems the ways are all bundled lossless systems that
// predict and can leave a plan. Ends with how many cells are above 1.005, and exit code 1 if there are any.
import { join } from 'node:path';
import { ARGUMENTS, fromBuild, median, SHORT } from './lib/bench.mjs';

const MOST = 1.005;
const BATCHES = SHORT ? [1] : [1, 4, 16];
/** Systems that bring what the next pass wants: misses over the link; on the CPU where that is sooner; shared by both. */
const WAYS = { load: ['expertflow', 'load'], cheaper: ['expertflow', 'cheaper'], balance: ['moeprof'] };
const SHIPPED = [
  'path-retrieval',
  'ensemble',
  'adaptive',
  'transition',
  'last-token',
  'markov',
  'popularity',
  'expert-map',
  'activation-matrix',
];
const CACHES = ['12.5%', '25%', '50%'];
const RUNTIMES = ['ideal', 'llama.cpp', 'hf-eager'];

const option = (name) => ARGUMENTS.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
const MACHINES = SHORT ? ['t4'] : (option('machines')?.split(',') ?? ['rtx-4090', 't4', 'rtx-3060+ryzen-9-7950x']);
const [folder] = ARGUMENTS.filter((argument) => !argument.startsWith('--'));
const recording = (name, model) => ({ model, trace: join(folder, `${name}.safetensors`) });
const bundled = (name) => ({ model: name, trace: name });
const TEXTS = {
  ...(folder !== undefined && {
    code: recording('qwen3-30b-a3b.code', 'qwen3-30b-a3b'),
    math: recording('qwen3-30b-a3b.math', 'qwen3-30b-a3b'),
    'gpt-oss': recording('gpt-oss-20b.decode', 'gpt-oss-20b'),
  }),
  fine: bundled('mini-finegrained-64x12l'),
  mixtral: bundled('mini-mixtral-8x8l'),
};

const NAMES = option('texts')?.split(',') ?? Object.keys(TEXTS);

const { UserError } = await fromBuild('base/errors.js');
const { listProfiles } = await fromBuild('base/profiles.js');
const { Random } = await fromBuild('base/random.js');
const { simulateRun } = await fromBuild('engine/simulate.js');
const { checkRun } = await fromBuild('system/load-run.js');
const { loadSystem, replacePredictor } = await fromBuild('system/system.js');
const { isLossy } = await fromBuild('system/door.js');

/** Bundled systems whose work is the same whatever they predict, by name. */
function systems() {
  const fit = listProfiles('systems').filter((name) => {
    const { onMiss, predictor, prefetch } = loadSystem(name).value;
    return predictor.kind.name !== 'none' && predictor.kind.name !== 'draft' && prefetch.cancel && !isLossy(onMiss);
  });
  return Object.fromEntries(fit.map((name) => [name, [name]]));
}

/** Time of a run, ns. @param predictor null: that of the system */
async function timeOf({ batch, cache, hardware, runtime, text, way: [system, onMiss] }, predictor) {
  const overrides = onMiss === undefined ? [] : [{ path: ['system', 'onMiss'], value: onMiss, label: '--on-miss' }];
  if (predictor !== null)
    overrides.push({ path: ['system', 'predictor'], value: predictor, amend: replacePredictor(predictor), label: '--predictor' });
  const fixed = loadSystem(system).value.cache.capacity !== undefined;
  const tokens = Number(option('tokens') ?? (SHORT ? 20 : 400));
  const workload = { batch, tokens, holdOut: '20%' };
  const given = { ...TEXTS[text], hardware, runtime, system, bounds: false, audit: 'off', workload };
  const run = checkRun({ ...given, memory: fixed ? {} : { expertCache: cache } }, system, overrides);
  return (await simulateRun(run)).metrics['time.total'].value;
}

/** The cells: all of the matrix, or some that are drawn. */
function cells() {
  const ways = Object.entries(ARGUMENTS.includes('--systems') ? systems() : WAYS);
  const drawn = option('cells');
  const own = { own: null, cache: '25%', runtime: undefined };
  if (drawn === undefined) {
    return NAMES.flatMap((text) =>
      ways.flatMap(([name, way]) => MACHINES.flatMap((hardware) => BATCHES.map((batch) => ({ text, batch, name, way, hardware, ...own })))),
    );
  }
  const random = new Random(Number(option('seed') ?? 1), 'bench/oracle');
  const pick = (from) => from[random.below(from.length)];
  return Array.from({ length: Number(drawn) }, () => {
    const [name, way] = pick(ways);
    const more = { hardware: pick(MACHINES), cache: pick(CACHES), runtime: pick(RUNTIMES) };
    const shipped = ARGUMENTS.includes('--systems') ? null : pick(SHIPPED);
    return { text: pick(NAMES), batch: pick(BATCHES), name, way, own: shipped, ...more };
  });
}

const ratios = [];
for (const cell of cells()) {
  const { batch, cache, hardware, name, own, runtime = 'its own runtime', text } = cell;
  try {
    const ratio = (await timeOf(cell, 'oracle')) / (await timeOf(cell, own));
    ratios.push(ratio);
    const mark = ratio > MOST ? '  above' : '';
    console.log(
      `${ratio.toFixed(4)}  ${text}, batch ${batch}, ${name}, ${hardware}, ${cache}, ${runtime}, ${own ?? 'its own predictor'}${mark}`,
    );
  } catch (error) {
    // Some systems need what not every trace has.
    if (!(error instanceof UserError)) throw error;
  }
}
const above = ratios.filter((ratio) => ratio > MOST).length;
console.log(
  `${ratios.length} cells: ${above} above ${MOST}; median ${median(ratios).toFixed(4)}, largest ${Math.max(...ratios).toFixed(4)}`,
);
if (!SHORT) process.exitCode = above > 0 ? 1 : 0;
