// One run, from a profile to a result: load what it names, fold over its passes, sum up.
import { beladyHits } from '../cache/replay.js';
import type { Result } from '../result/result.js';
import { ClosedLoop, walksOf } from '../schedule/workload.js';
import { checkRun, type RunInput, type RunSpec } from '../system/run.js';
import { auditInputs } from './audit.js';
import { buildPasses, buildSimulation } from './build.js';
import { openInputs } from './inputs.js';
import { Latencies } from './latency.js';
import { planMemory } from './memory.js';
import { outcome } from './outcome.js';
import { withQuotas } from './quotas.js';

/** What a run may be watched through. */
export interface Watch {
  /** Called with the tokens done so far and in all, every few milliseconds of work. */
  progress?(done: number, total: number): void;
  /** Awaited now and then, so that signals and timers get their turn. */
  breathe?(): Promise<void>;
}

/** Passes between two looks at the clock of the watch. */
const STRIDE = 64;

/**
 * Simulates one run.
 * @param profile what a run profile holds (`profiles/runs/*.yaml`); every field is optional
 * @throws UserError where something is unknown, malformed, or does not fit the rest
 */
export function simulate(profile: RunInput, watch: Watch = {}): Promise<Result> {
  return simulateRun(checkRun(profile, 'simulate'), watch);
}

/**
 * Simulates a checked run.
 * @throws UserError as {@link simulate}
 */
export async function simulateRun(run: RunSpec, watch: Watch = {}): Promise<Result> {
  const startedAt = performance.now();
  const inputs = await openInputs(run);
  try {
    const { model, hardware, system, trace } = inputs;
    const tokens = Math.min(run.workload.tokens ?? trace.tokens, trace.tokens);
    const { walks, cut } = walksOf(trace, tokens, run.workload.batch);
    const workload = () => new ClosedLoop(walks, run.workload.batch);
    const auditWarnings = auditInputs(inputs, run, tokens);
    const memory = await withQuotas(planMemory(model, hardware, system, run, workload()), inputs, run);
    const simulation = await buildSimulation(inputs, run, memory, () => buildPasses(inputs, run, workload()));
    try {
      const { bounds, engine, log } = simulation;
      const latencies = new Latencies(bounds);
      const passes = buildPasses(inputs, run, workload());
      const { pass } = passes;
      let done = 0;
      let decoded = 0;
      for (let start = passes.next(0); start >= 0; start = passes.next(engine.nowNs)) {
        engine.nowNs = start;
        latencies.started(passes.shares, start);
        engine.run(pass);
        latencies.ended(passes.shares, start, engine.nowNs);
        passes.done(engine.nowNs);
        done += pass.tokens;
        decoded += pass.decodeTokens;
        if (pass.number % STRIDE === 0) {
          watch.progress?.(done, tokens);
          await watch.breathe?.();
        }
      }
      const beladyHitCount = log === null ? null : beladyHits(log, system.cache.scope, memory.cacheBytes, memory.quotas);
      return outcome({
        run,
        inputs,
        memory,
        simulation,
        latencies,
        tokens: done,
        decoded,
        requests: walks.length,
        cut,
        auditWarnings,
        beladyHitCount,
        startedAt,
      });
    } finally {
      simulation.close();
    }
  } finally {
    for (const trace of inputs.traces) trace.close();
  }
}
