// One run, from a profile to a result: load what it names, fold over its passes, sum up.
import type { Result } from '../result/result.js';
import { checkRun, type RunInput, type RunSpec } from '../system/run.js';
import { auditInputs } from './audit.js';
import { buildSimulation } from './build.js';
import { type Inputs, openInputs } from './inputs.js';
import { changingMemoryOf } from './memory/changing-memory.js';
import { planMemory } from './memory/plan.js';
import { withQuotas } from './memory/quotas.js';
import { outcome } from './outcome/outcome.js';
import { planParallel } from './parallel/plan.js';
import { recordPasses } from './record.js';
import { buildPasses, servingOf } from './serving.js';
import type { Simulation } from './simulation.js';
import { CauseRecorder } from './watch/causes.js';
import { DetailsRecorder } from './watch/details.js';
import { FaultMeter } from './watch/fault-meter.js';
import { Latencies } from './watch/latency.js';
import { type Observer, observers } from './watch/observer.js';
import { routingMetrics } from './watch/routing-metrics.js';

/** What a run may be watched through. */
export interface Watch {
  /** Called with the tokens done so far and in all, every few milliseconds of work. */
  progress?(done: number, total: number): void;
  /** Awaited now and then, so that signals and timers get their turn. */
  breathe?(): Promise<void>;
  /** True: the result carries `details`, what its pictures are drawn from. */
  readonly details?: boolean;
  /** Gives somebody who sees every event. */
  observe?(inputs: Inputs, simulation: Simulation): Observer;
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
  const inputs = await openInputs(run, watch);
  try {
    const { model, system } = inputs;
    const serving = servingOf(inputs, run);
    const auditWarnings = auditInputs(inputs, run, serving.rows);
    const workload = serving.workload();
    const memory =
      inputs.hardware.gpus === undefined
        ? await withQuotas(planMemory(inputs, run, workload, serving), inputs, run)
        : await planParallel(inputs, run, workload, serving);
    const parts = { inputs, run, serving, memory };
    const record = await recordPasses(parts, watch);
    const dryRun = () => buildPasses({ ...parts, workload: serving.workload(), residency: null, record });
    const simulation = await buildSimulation(inputs, run, memory, serving.running, dryRun, watch.details);
    try {
      const { bounds, engine, gpus } = simulation;
      const details = watch.details === true ? new DetailsRecorder(model, simulation) : null;
      const tiers = inputs.hardware.tiers.slice(1).map(({ name }) => name);
      const causes = details === null ? null : new CauseRecorder({ model, tiers, gpus });
      const guest = watch.observe?.(inputs, simulation);
      const observer = observers([details, causes, guest].filter((one) => one != null));
      if (observer !== null) engine.observe(observer);
      const latencies = new Latencies(bounds, run.workload.slo?.limits);
      const passes = buildPasses({ ...parts, workload, residency: simulation.residency, record });
      const { pass } = passes;
      const changing = changingMemoryOf({ ...parts, workload, passes, simulation });
      const meter = run.faults === undefined ? null : new FaultMeter(run.faults, simulation);
      let done = 0;
      let decoded = 0;
      for (let start = passes.next(0); start >= 0; start = passes.next(engine.nowNs)) {
        const startNs = changing === null ? start : changing.settle(start);
        engine.nowNs = startNs;
        latencies.started(passes.shares, startNs);
        engine.run(pass);
        latencies.ended(passes.shares, startNs, engine.nowNs);
        changing?.passed(engine.nowNs);
        meter?.passed(startNs, engine.nowNs, pass.tokens - passes.recomputed);
        passes.done(engine.nowNs);
        done += pass.tokens - passes.recomputed;
        decoded += passes.generated;
        if (pass.number % STRIDE === 0) {
          watch.progress?.(done, workload.tokens);
          await watch.breathe?.();
        }
      }
      const { scope } = system.cache;
      const beladyHitCount = run.bounds ? gpus.reduce((hits, { belady }) => hits + belady!.hits, 0) : null;
      const result = outcome({
        run,
        inputs,
        memory,
        simulation,
        latencies,
        tokens: done,
        decoded,
        serving,
        workload,
        passes,
        changing,
        meter,
        auditWarnings,
        routingMetrics: routingMetrics(inputs, simulation, serving.rows),
        beladyHitCount,
        startedAt,
      });
      if (details === null || causes === null) return result;
      const seen = details.details(latencies, scope);
      return { ...result, details: { ...seen, causes: causes.causes() } };
    } finally {
      simulation.close();
    }
  } finally {
    for (const trace of inputs.traces) trace.close();
  }
}
