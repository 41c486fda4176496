import { parsePolicy, resolvePolicy } from '../cache/policies/index.js';
import { policyNeeds } from '../cache/policy.js';
import { nudged } from '../hardware/door.js';
import type { Result, RunFigures } from '../result/result.js';
import { PassRecord } from '../schedule/door.js';
import { checkRun, commandOfInput, type RunInput, type RunSpec, repeatable } from '../system/door.js';
import { buildSimulation } from './build.js';
import { hardwareOf, type Inputs, openInputs } from './inputs/inputs.js';
import type { Finished } from './outcome/finished.js';
import { withLearnedBands } from './outcome/learned-bands.js';
import { figuresOfRun, outcome } from './outcome/outcome.js';
import { buildPasses } from './passes.js';
import { planRun, type RunPlan } from './plan/run-plan.js';
import { changingMemoryOf } from './serve/changing-memory.js';
import { runPasses } from './serve/serve.js';
import { brokenLaws } from './watch/laws.js';
import { Meters, type Watch } from './watch/meters.js';

/** @param profile as in `profiles/runs/*.yaml` @throws UserError for unknown, malformed or inconsistent values */
export const simulate = async (profile: RunInput, watch: Watch = {}): Promise<Result> =>
  repeatable(await simulateRun(checkRun(profile, 'simulate'), watch), commandOfInput(profile));

/** Simulates a checked run. @throws UserError as {@link simulate} */
export async function simulateRun(run: RunSpec, watch: Watch = {}): Promise<Result> {
  const inputs = await openInputs(run, watch);
  try {
    const result = await simulated(inputs, run, watch, outcome);
    const { learned } = run;
    if (learned === undefined) return result;
    const moved = nudged(learned).map((other) => () => {
      const hardware = hardwareOf({ ...run, learned: other }, inputs.model);
      if (JSON.stringify(hardware) === JSON.stringify(inputs.hardware)) return null;
      return simulateInputs({ ...inputs, hardware }, { ...run, bounds: false }, watch.breathe && { breathe: watch.breathe });
    });
    const { policy } = inputs.system.cache;
    const of = { runtime: inputs.hardware.software?.runtime ?? '', strategy: policy.name === 'static' ? null : inputs.system.name };
    return await withLearnedBands(result, learned, of, moved);
  } finally {
    for (const trace of inputs.traces) trace.close();
  }
}

/** Figures of a checked run on open, shareable inputs. @throws UserError as {@link simulate} */
export const simulateInputs = (inputs: Inputs, run: RunSpec, watch: Watch = {}): Promise<RunFigures> =>
  simulated(inputs, run, watch, figuresOfRun);

async function simulated<T>(inputs: Inputs, run: RunSpec, watch: Watch, read: (finished: Finished) => T): Promise<T> {
  const startedAt = performance.now();
  const planned = await planRun(inputs, run);
  const plan = { ...planned, record: await recordPasses(planned, watch.breathe) };
  const simulation = await buildSimulation(plan, watch.details);
  try {
    const passes = buildPasses(plan, plan.workload, simulation.residency, simulation.paths);
    const changing = changingMemoryOf(plan, passes, simulation);
    const meters = new Meters(plan, simulation, passes, watch);
    await runPasses(passes, simulation, changing, meters);
    const broken = brokenLaws(plan, simulation, meters);
    const result = read({ ...plan, simulation, passes, changing, meters, broken, startedAt });
    const details = meters.details();
    return details === null ? result : { ...result, details };
  } finally {
    simulation.close();
  }
}

/** Passes recorded under LRU for a policy with foresight; null: a dry run composes the same. @throws UserError */
async function recordPasses(proper: RunPlan, breathe: (() => Promise<void>) | undefined): Promise<PassRecord | null> {
  const { inputs, run, serving } = proper;
  const { definition, parameters } = await resolvePolicy(inputs.system.cache.policy, run.folder);
  if (!serving.timed || !policyNeeds(definition, parameters).includes('future')) return null;
  const system = { ...inputs.system, cache: { ...inputs.system.cache, policy: parsePolicy('lru') } };
  const plan = { ...proper, inputs: { ...inputs, system }, run: { ...run, bounds: false }, workload: serving.workload() };
  const record = new PassRecord();
  const simulation = await buildSimulation(plan);
  try {
    const passes = buildPasses(plan, plan.workload, simulation.residency, simulation.paths);
    passes.kv.admitted = [];
    await runPasses(passes, simulation, changingMemoryOf(plan, passes, simulation), {
      ended() {
        // Tokens run again follow from the recorded passes.
        if (passes.again) return;
        record.append(passes.shares, passes.costNs, passes.kv.admitted!);
        passes.kv.admitted = [];
      },
      breathe,
    });
    record.metrics = passes.metrics;
  } finally {
    simulation.close();
  }
  return record;
}
