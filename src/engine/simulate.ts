// One run, from a profile to a result: load what it names, fold over its passes, sum up.

import type { Result } from '../result/result.js';
import { checkRun, type RunInput, type RunSpec, repeatable, toldOfInput } from '../system/door.js';
import { buildSimulation } from './build.js';
import { planRun } from './compose/plan.js';
import { type Inputs, openInputs } from './inputs/inputs.js';
import { outcome } from './outcome/outcome.js';
import { buildPasses } from './passes.js';
import { recordPasses } from './record.js';
import { changingMemoryOf } from './serve/changing-memory.js';
import { runPasses } from './serve/serve.js';
import { checkLaws } from './watch/laws.js';
import { Meters, type Watch } from './watch/meters.js';

/**
 * Simulates one run.
 * @param profile a run profile (`profiles/runs/*.yaml`); every field is optional
 * @throws UserError where something is unknown, malformed, or does not fit the rest
 */
export async function simulate(profile: RunInput, watch: Watch = {}): Promise<Result> {
  return repeatable(await simulateRun(checkRun(profile, 'simulate'), watch), toldOfInput(profile));
}

/** Simulates a checked run. @throws UserError as {@link simulate} */
export async function simulateRun(run: RunSpec, watch: Watch = {}): Promise<Result> {
  const inputs = await openInputs(run, watch);
  try {
    return await simulateInputs(inputs, run, watch);
  } finally {
    for (const trace of inputs.traces) trace.close();
  }
}

/** Simulates a checked run on inputs that are open already, which many runs may share. @throws UserError as {@link simulate} */
export async function simulateInputs(inputs: Inputs, run: RunSpec, watch: Watch = {}): Promise<Result> {
  const startedAt = performance.now();
  const planned = await planRun(inputs, run);
  const plan = { ...planned, record: await recordPasses(planned, watch.breathe) };
  const simulation = await buildSimulation(plan, watch.details);
  try {
    const passes = buildPasses(plan, plan.workload, simulation.residency, simulation.paths);
    const changing = changingMemoryOf(plan, passes, simulation);
    const meters = new Meters(plan, simulation, passes, watch);
    await runPasses(passes, simulation, changing, meters);
    checkLaws(plan, simulation, meters);
    const result = outcome({ ...plan, simulation, passes, changing, meters, startedAt });
    const details = meters.details();
    return details === null ? result : { ...result, details };
  } finally {
    simulation.close();
  }
}
