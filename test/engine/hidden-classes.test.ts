// V8 compiles loops for the hidden classes of what they read. What a run hands to them must have the same ones as in the run before, or each further
// run of a sweep starts with code that is thrown away. An object spread from the rest of another has a class of its own each time.
import { setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { buildSimulation } from '../../src/engine/build.js';
import { openInputs } from '../../src/engine/inputs/inputs.js';
import { planRun } from '../../src/engine/plan/run-plan.js';
import { checkRun } from '../../src/system/load-run.js';

setFlagsFromString('--allow-natives-syntax');
const sameClass = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: unknown, b: unknown) => boolean;

/** The objects that the loops of a run read at every event. */
async function readByLoops(): Promise<Record<string, unknown>> {
  const system = { name: 'lru', cache: { policy: 'lru' }, predictor: { kind: 'last-token' } } as const;
  const run = checkRun({ model: 'mini-mixtral-8x8l', hardware: 'rtx-4090', memory: { expertCache: '30%' }, system }, 'test');
  const inputs = await openInputs(run, {});
  const simulation = await buildSimulation({ ...(await planRun(inputs, run)), record: null });
  const [gpu] = simulation.gpus;
  simulation.close();
  const { clock, cost, model, onMiss, prefetch, recorder } = gpu!;
  const { layers } = recorder;
  const tier = { tier: gpu!.gpu, link: gpu!.gpu.link, cache: gpu!.gpu.caches[0] };
  return {
    gpu,
    clock,
    cost,
    model,
    layer: model.layers[0],
    rule: onMiss[0],
    prefetch,
    limits: prefetch?.limits,
    recorder,
    layers,
    ...tier,
  };
}

it('hands objects of the same hidden classes to the loops of every run', async () => {
  await readByLoops();
  const [before, now] = [await readByLoops(), await readByLoops()];
  const strange = Object.keys(now).filter((name) => !sameClass(before[name], now[name]));
  expect(strange).toEqual([]);
});
