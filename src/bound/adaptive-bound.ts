import type { Simulation } from '../engine/compose/simulation.js';
import type { Inputs } from '../engine/inputs/inputs.js';
import { simulateRun } from '../engine/simulate.js';
import { Onlooker } from '../engine/transfer/observer.js';
import { takenPartsOf } from '../hardware/door.js';
import type { MetricName } from '../result/metrics.js';
import { VERSION } from '../result/version.js';
import type { Pass } from '../schedule/door.js';
import { misfit, type RunSpec } from '../system/door.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { leastCost, type Options } from './least-cost.js';

/** Bound at one budget. */
export interface AdaptivePoint {
  /** Share of gate weight lost. */
  readonly budget: number;
  /** Minimum time of GPU, of link, and elapsed, ns per token. */
  readonly gpuNs: number;
  readonly linkNs: number;
  readonly tokenNs: number;
  /** True if some choice reaches GPU and link bounds. */
  readonly exact: boolean;
}

/**
 * Limit of a router that skips unimportant experts (Duo-LLM's oracle, arXiv 2410.10846), format `moeprof.adaptive/1`.
 */
export interface AdaptiveBound {
  readonly schema: 'moeprof.adaptive/1';
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly inputs: { readonly model: string; readonly quantization: string; readonly hardware: string; readonly system: string };
  /** Machine parts not given, with assumed values. */
  readonly assumed: readonly string[];
  readonly tokens: number;
  readonly by: 'weights' | 'ranks';
  /** Time of the run, ns per token; expert cache, bytes. */
  readonly runNs: number;
  readonly cacheBytes: number;
  readonly points: readonly AdaptivePoint[];
}

/** Bounds a run. @param budgets shares of gate weight @throws UserError unless one GPU runs all */
export async function adaptiveBound(run: RunSpec, budgets: readonly number[], breathe?: () => Promise<void>): Promise<AdaptiveBound> {
  let log: UseLog | null = null;
  let weights = false;
  let assumed: readonly string[] = [];
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
      assumed = takenPartsOf(inputs.hardware);
      log = new UseLog(inputs, simulation);
      return log;
    },
  });
  const { events, tokens, uses, weight } = log!;
  const value = (name: MetricName): number => result.metrics[name]?.value ?? 0;
  const denseNs = value('time.dense');
  const cacheBytes = value('memory.gpu.expert_cache');
  const { hardware, model, quantization, system } = result.inputs;
  const points = budgets.map((budget): AdaptivePoint => {
    const gpu = leastCost(gpuOptions(uses), budget * weight, 0);
    const link = leastCost(linkOptions(uses), budget * weight, cacheBytes * events);
    const [gpuNs, linkNs] = [(denseNs + gpu.cost) / tokens, link.cost / tokens];
    return { budget, gpuNs, linkNs, tokenNs: Math.max(gpuNs, linkNs), exact: gpu.exact && link.exact };
  });
  return {
    schema: 'moeprof.adaptive/1',
    tool: { name: 'moeprof', version: VERSION },
    inputs: { model, quantization, hardware, system },
    assumed,
    tokens,
    by: weights ? 'weights' : 'ranks',
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

/** GPU options of a use: skipped or computed. */
export const gpuOptions = (uses: readonly ExpertUse[]): Options =>
  optionsOf(uses, ({ gpuNs, weight }) => [
    [0, weight, 0],
    [gpuNs, 0, 0],
  ]);

/** Link options of a use: skipped, hit (occupying cache bytes since the last use), or loaded. */
export const linkOptions = (uses: readonly ExpertUse[]): Options =>
  optionsOf(uses, ({ bytes, events, linkNs, weight }) => [
    [0, weight, 0],
    [0, 0, bytes * events],
    [linkNs, 0, 0],
  ]);

function optionsOf(
  uses: readonly ExpertUse[],
  of: (use: ExpertUse) => readonly (readonly [cost: number, loss: number, space: number])[],
): Options {
  const all = uses.map(of);
  const column = (at: number): Float64Array => Float64Array.from(all.flatMap((options) => options.map((option) => option[at]!)));
  return { count: uses.length, width: all[0]?.length ?? 0, cost: column(0), loss: column(1), space: column(2) };
}

/** Use of an expert in an event. */
export interface ExpertUse {
  /** Gate weight over the event's tokens, each with sum 1; without weights, rank r counts 1 / r. */
  readonly weight: number;
  /** Transfer time on the whole link, and minimum GPU time, ns. */
  readonly linkNs: number;
  readonly gpuNs: number;
  readonly bytes: number;
  /** Events since the last use, or the start. */
  readonly events: number;
}

/** Records the uses of a run. */
class UseLog extends Onlooker {
  readonly uses: ExpertUse[] = [];
  weight = 0;
  events = 0;
  tokens = 0;
  readonly #inputs: Inputs;
  readonly #linkNs: readonly number[];
  readonly #gpuNs: readonly number[];
  /** Last event by dense id; -1: unused. */
  readonly #last: Int32Array;

  constructor(inputs: Inputs, { gpus }: Simulation) {
    super();
    const { layers } = inputs.model;
    const [{ cost, gpu }] = gpus as [Simulation['gpus'][number]];
    this.#inputs = inputs;
    this.#linkNs = layers.map(({ expertBytes }) => gpu.link.transferNs(expertBytes) / gpu.link.lanes);
    this.#gpuNs = layers.map((_, layer) => cost.expertNs(layer, 1));
    this.#last = new Int32Array(inputs.model.experts).fill(-1);
  }

  override passStarted(pass: Pass): void {
    this.tokens += pass.tokens;
    for (let layer = 0; layer < pass.layers; layer++) this.#event(pass, layer);
  }

  #event({ choices, row, tokens, topK, weights }: Pass, layer: number): void {
    const { expertBytes, offset } = this.#inputs.model.layers[layer]!;
    const shares = new Map<number, number>();
    for (let token = 0; token < tokens; token++) {
      const from = token * row + layer * topK;
      let total = 0;
      for (let rank = 0; rank < topK; rank++) if (choices[from + rank] !== NULL_EXPERT) total += weightOf(weights, from, rank);
      if (total === 0) continue;
      this.weight++;
      for (let rank = 0; rank < topK; rank++) {
        const expert = choices[from + rank]!;
        if (expert !== NULL_EXPERT) shares.set(expert, (shares.get(expert) ?? 0) + weightOf(weights, from, rank) / total);
      }
    }
    if (shares.size === 0) return;
    for (const [expert, weight] of shares) {
      const id = offset + expert;
      const events = this.events - this.#last[id]!;
      this.#last[id] = this.events;
      this.uses.push({ weight, linkNs: this.#linkNs[layer]!, gpuNs: this.#gpuNs[layer]!, bytes: expertBytes, events });
    }
    this.events++;
  }
}

const weightOf = (weights: Float32Array | null, from: number, rank: number): number =>
  weights === null ? 1 / (rank + 1) : weights[from + rank]!;
