// Advice beside an exhaustive sweep: of every placement, every cache with every number of slots, every length of a prompt's pass and every
// draft, the best that fits is at most 3 % better than what is advised. MOEPROF_PAIRS=128 tries all machines with all models (an hour).
import { describe, expect, it } from 'vitest';
import { bestAnswer } from '../../../src/advise/advise.js';
import { USUAL_DRAFTING } from '../../../src/advise/drafting.js';
import { devicesOf, ladderOf } from '../../../src/advise/fit.js';
import { Pricer, tokensNeeded } from '../../../src/advise/price.js';
import type { Question } from '../../../src/advise/question.js';
import { lengthsOf, passesOf, priced } from '../../../src/advise/search.js';
import { Random } from '../../../src/base/random.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { loadModel } from '../../../src/model/load/load.js';
import { ADVISED, advisedRuntime } from '../../../src/runtime/index.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { isFit } from '../../../src/runtime/setting/fits.js';
import { PLAIN, type Setting } from '../../../src/runtime/setting/setting.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { MODELS } from './models.js';

const MACHINES = [
  'rtx-3060+ryzen-5-5600x+2xddr4-3200+32GB',
  'rtx-3060+ryzen-7-5700x+2xddr4-3200+64GB',
  'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB',
  'rtx-3090+core-i9-14900k+2xddr5-5600+96GB',
  'rtx-4060-ti-16gb+ryzen-7-7700x+2xddr5-5200+64GB',
  'rtx-4070+core-i7-12700k+2xddr5-4800+64GB',
  'rtx-4090+ryzen-9-7950x+2xddr5-6000+96GB',
  'rtx-4090+epyc-9355+12xddr5-6400+384GB',
  'rtx-5070-ti+core-i7-12700k+2xddr5-5600+96GB',
  'rtx-5090+ryzen-9-9950x+2xddr5-6000+192GB',
  'rtx-5090+2xepyc-9355+24xddr5-6400+768GB',
  '2xrtx-3090+ryzen-9-7950x+2xddr5-6000+128GB',
  '2xrtx-3090+xeon-gold-6138+6xddr4-2666+192GB',
  'rx-7900-xtx+ryzen-9-7950x+2xddr5-6000+96GB',
  'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB+pcie3x4',
  'ryzen-9-7950x+2xddr5-6000+64GB',
];
const REQUEST = { prompt: 2048, output: 512 };
/** How many of the pairs, drawn. */
const PAIRS = Number(process.env.MOEPROF_PAIRS ?? 2);
const ENGINES =
  process.env.MOEPROF_PAIRS === undefined ? ['llama.cpp'] : ADVISED.map(({ name }) => name).filter((name) => name !== 'ollama');

const all = MACHINES.flatMap((machine) => MODELS.map((name) => ({ machine, name })));
const random = new Random(32, 'pairs');
const drawn = all
  .map((pair) => ({ pair, at: random.next() }))
  .sort((a, b) => a.at - b.at)
  .slice(0, PAIRS)
  .map(({ pair }) => pair);

function questionOn(machine: string, name: string, engine: string): Question {
  const runtime = advisedRuntime(engine);
  const hardware = loadHardware(machine, undefined, [], runtime.profile === null ? null : loadRuntime(runtime.profile));
  const format = runtime.reads === 'gguf' ? 'q4_k_m' : null;
  const model = loadModel(name, name.startsWith('gpt-oss') ? null : format);
  const trace = synthesize(model, { seed: 1, requests: [{ prefill: tokensNeeded(1, REQUEST), decode: 0 }] });
  const goal = { kind: 'request' as const };
  const rest = { context: 8192, users: 1, quantizations: [null], file: null, hub: null, drafting: USUAL_DRAFTING, notes: [] };
  return { ...rest, runtime, hardware, goal, request: REQUEST, trace, pricer: new Pricer(trace, REQUEST), model: () => model };
}

/** The least cost of all that fits. */
async function sweep(question: Question): Promise<{ cost: number; setting: Setting | null; runs: number }> {
  const { model: of, runtime } = question;
  const model = of(null);
  const caches = question.hardware.cpu === null ? [] : runtime.caches.map(({ system }) => system);
  let best: { cost: number; setting: Setting | null; runs: number } = { cost: Number.POSITIVE_INFINITY, setting: null, runs: 0 };
  const kv = runtime.kv[0]!;
  for (const cache of [null, ...caches]) {
    const ladder = ladderOf(question, model, cache);
    for (const ubatch of passesOf(question)) {
      for (const draft of [0, ...lengthsOf(question, model)]) {
        let fitting = 0;
        for (const rung of ladder) {
          const setting = { ...PLAIN, quantization: null, ubatch, kv, context: 8192, users: 1, draft, cache, ...rung, fromDisk: false };
          if (!isFit(devicesOf(question, model, setting))) continue;
          // Of many numbers of slots, and of many layers, every third beyond the first ten.
          if (fitting++ > 10 && fitting % 3 !== 0) continue;
          const { cost } = await priced(question, model, setting);
          if (cost < best.cost) best = { ...best, cost, setting };
        }
      }
    }
  }
  return { ...best, runs: question.pricer.runs };
}

describe.each(drawn)('$name on $machine', ({ machine, name }) => {
  it.each(ENGINES)('%s', async (engine) => {
    const question = questionOn(machine, name, engine);
    const answer = await bestAnswer(question);
    const { runs } = question.pricer;
    const best = await sweep(question);
    if (process.env.MOEPROF_PAIRS !== undefined)
      console.log(
        JSON.stringify({
          machine,
          name,
          engine,
          runs,
          all: best.runs,
          ratio: answer === null ? null : answer.cost / best.cost,
          setting: answer?.setting,
          best: best.setting,
        }),
      );
    if (best.setting === null) {
      expect(answer?.setting.fromDisk ?? true).toBe(true);
      return;
    }
    expect(answer!.cost / best.cost).toBeLessThanOrEqual(1.03);
    expect(runs).toBeLessThanOrEqual(120);
  });
});
