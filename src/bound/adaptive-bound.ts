// The speed of a run whose router knows which experts hardly matter: the oracle of Duo-LLM (arXiv 2410.10846). It skips experts, or takes a
// smaller copy, wherever that saves most time, within a budget of lost gate weight. No such router exists; it is a bound.
import { simulateRun } from '../engine/simulate.js';
import { VERSION } from '../result/version.js';
import { misfit, type RunSpec } from '../system/run.js';
import { leastCost, type Options } from './least-cost.js';
import { type ExpertUse, UseLog } from './uses.js';

/** A smaller copy of every expert: its bytes as a share of the expert's, and the share of a use's weight that it loses. */
export interface SmallCopy {
  readonly bytes: number;
  readonly loss: number;
}

/** The bound at one budget. */
export interface AdaptivePoint {
  /** Share of all gate weight that may be lost. */
  readonly budget: number;
  /** Least GPU time and least time of the link, and the least time that passes with both, ns a token. */
  readonly gpuNs: number;
  readonly linkNs: number;
  readonly tokenNs: number;
  /** True: both are reached by some choice. */
  readonly exact: boolean;
}

/** The bound of a run: the public format `moeprof.adaptive/1`. */
export interface AdaptiveBound {
  readonly schema: 'moeprof.adaptive/1';
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly inputs: { readonly model: string; readonly quantization: string; readonly hardware: string; readonly system: string };
  readonly tokens: number;
  /** The source of the weights: `weights` of the trace, or `ranks`. */
  readonly by: 'weights' | 'ranks';
  readonly copy: SmallCopy | null;
  /** Time of the run itself, ns a token, and its expert cache, bytes. */
  readonly runNs: number;
  readonly cacheBytes: number;
  readonly points: readonly AdaptivePoint[];
}

/**
 * Bounds a run.
 * @param budgets shares of all gate weight, 0..1
 * @param copy null: experts are run whole or not at all
 * @throws UserError where the run computes experts elsewhere than on one GPU behind one link
 */
export async function adaptiveBound(
  run: RunSpec,
  budgets: readonly number[],
  copy: SmallCopy | null,
  breathe?: () => Promise<void>,
): Promise<AdaptiveBound> {
  let log: UseLog | null = null;
  let weights = false;
  const watched = { ...run, bounds: false };
  const result = await simulateRun(watched, {
    ...(breathe === undefined ? {} : { breathe }),
    observe: (inputs, simulation) => {
      refuse(run);
      const { cpuOnly, tiers } = inputs.hardware;
      const [first, ...others] = simulation.gpus;
      if (others.length > 0 || cpuOnly || tiers[0]!.name === 'unified' || first!.dram !== null)
        throw misfit(
          run,
          'hardware',
          'the bound is of one GPU that loads experts over one link; take such a machine, with DRAM for all experts',
        );
      weights = inputs.trace.has.weights;
      log = new UseLog(inputs, simulation);
      return log;
    },
  });
  const { events, tokens, uses, weight } = log!;
  const value = (name: string): number => result.metrics[name]?.value ?? 0;
  const denseNs = value('time.dense');
  const cacheBytes = value('memory.gpu.expert_cache');
  const { hardware, model, quantization, system } = result.inputs;
  const points = budgets.map((budget): AdaptivePoint => {
    const gpu = leastCost(gpuOptions(uses, copy), budget * weight, 0);
    const link = leastCost(linkOptions(uses, copy), budget * weight, cacheBytes * events);
    const [gpuNs, linkNs] = [(denseNs + gpu.cost) / tokens, link.cost / tokens];
    return { budget, gpuNs, linkNs, tokenNs: Math.max(gpuNs, linkNs), exact: gpu.exact && link.exact };
  });
  return {
    schema: 'moeprof.adaptive/1',
    tool: { name: 'moeprof', version: VERSION },
    inputs: { model, quantization, hardware, system },
    tokens,
    by: weights ? 'weights' : 'ranks',
    copy,
    runNs: value('time.total') / tokens,
    cacheBytes,
    points,
  };
}

function refuse(run: RunSpec): void {
  const { faults, memory, system, workload } = run;
  const lacks = (path: string, why: string) =>
    misfit(run, path, `${why}; the bound is of passes that the clock does not change, on one GPU behind one link`);
  if (workload.arrivals !== undefined || workload.rate !== undefined) throw lacks('workload.arrivals', 'requests arrive by a clock');
  if (workload.speculation !== undefined) throw lacks('workload.speculation', 'drafts depend on what is accepted');
  if (system.rerank !== undefined) throw lacks('system.rerank', 'the cache changes what is chosen');
  if (faults !== undefined && faults.length > 0) throw lacks('faults', 'the machine changes');
  if (memory.gpuLayers !== undefined || memory.splitLayer !== undefined) throw lacks('memory', 'the CPU has layers of its own');
  if (memory.kvGrowth !== undefined && memory.kvGrowth !== 'static') throw lacks('memory.kvGrowth', 'the expert cache changes its size');
  if (!system.onMiss.rules.every(({ do: action }) => action === 'load' || action === 'static'))
    throw lacks(
      'system.onMiss',
      'the CPU computes experts, or they are computed otherwise; take a system that loads them, -s on-demand-lru',
    );
}

/** Options on the GPU: a use is left out, computed, or computed from the copy, faster in proportion to its bytes. */
export function gpuOptions(uses: readonly ExpertUse[], copy: SmallCopy | null): Options {
  return optionsOf(uses, ({ gpuNs, weight }) => [
    [0, weight, 0],
    [gpuNs, 0, 0],
    ...(copy === null ? [] : [[copy.bytes * gpuNs, copy.loss * weight, 0] as const]),
  ]);
}

/** Options on the link: a use is left out, found in the cache, whose bytes it has held since its last use, or loaded; the copy likewise. */
export function linkOptions(uses: readonly ExpertUse[], copy: SmallCopy | null): Options {
  return optionsOf(uses, ({ bytes, events, linkNs, weight }) => [
    [0, weight, 0],
    [0, 0, bytes * events],
    [linkNs, 0, 0],
    ...(copy === null
      ? []
      : ([
          [0, copy.loss * weight, copy.bytes * bytes * events],
          [copy.bytes * linkNs, copy.loss * weight, 0],
        ] as const)),
  ]);
}

function optionsOf(
  uses: readonly ExpertUse[],
  of: (use: ExpertUse) => readonly (readonly [cost: number, loss: number, space: number])[],
): Options {
  const all = uses.map(of);
  const column = (at: number): Float64Array => Float64Array.from(all.flatMap((options) => options.map((option) => option[at]!)));
  return { count: uses.length, width: all[0]?.length ?? 0, cost: column(0), loss: column(1), space: column(2) };
}
