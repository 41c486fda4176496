// Who runs together when, written down by a first run: policies that know the future need it where it depends on how long passes take.
// The first run keeps LRU, so the schedule is one that a machine could have had, and the run proper replays exactly its passes.
import { resolvePolicy } from '../cache/policies/index.js';
import { policyNeeds } from '../cache/policy.js';
import { PassRecord } from '../schedule/recorded.js';
import { buildSimulation } from './build.js';
import { changingMemoryOf } from './memory/changing-memory.js';
import { buildPasses, type PassesParts } from './serving.js';

/** Passes between two breaths. */
const STRIDE = 64;

/**
 * Records the passes of a run under LRU, where its policy knows the future and its schedule depends on time or on what is resident.
 * @returns null: the policy does not need it, or a dry run without a clock composes the same passes
 * @throws UserError where the run cannot be composed
 */
export async function recordPasses(
  parts: Pick<PassesParts, 'inputs' | 'run' | 'serving' | 'memory'>,
  { breathe }: { breathe?(): Promise<void> },
): Promise<PassRecord | null> {
  const { inputs, memory, run, serving } = parts;
  const { definition, parameters } = await resolvePolicy(inputs.system.cache.policy, run.folder);
  if (!serving.timed || !policyNeeds(definition, parameters).includes('future')) return null;
  const system = { ...inputs.system, cache: { ...inputs.system.cache, policy: 'lru' } };
  const record = new PassRecord();
  const simulation = await buildSimulation({ ...inputs, system }, { ...run, bounds: false }, memory, serving.running, () => {
    throw new Error('LRU asks for no future');
  });
  try {
    const { engine } = simulation;
    const workload = serving.workload();
    const passes = buildPasses({ ...parts, workload, residency: simulation.residency, record: null });
    const changing = changingMemoryOf({ ...parts, workload, passes, simulation });
    passes.kv.admitted = [];
    for (let start = passes.next(0); start >= 0; start = passes.next(engine.nowNs)) {
      engine.nowNs = changing === null ? start : changing.settle(start);
      engine.run(passes.pass);
      changing?.passed(engine.nowNs);
      record.append(passes.shares, passes.costNs, passes.kv.admitted);
      passes.kv.admitted = [];
      passes.done(engine.nowNs);
      if (passes.pass.number % STRIDE === 0) await breathe?.();
    }
    record.metrics = passes.metrics;
  } finally {
    simulation.close();
  }
  return record;
}
