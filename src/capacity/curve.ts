import { shownTrace } from '../base/profiles.js';
import { sum } from '../base/statistics.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import { optimalQuotas, proportionalQuotas, type Quotas, shallowQuotas } from '../cache/layer-quotas.js';
import { type PolicyChoice, resolvePolicy } from '../cache/policies/index.js';
import { policyNeeds } from '../cache/policy.js';
import { evenSplit, type SplitCapacity } from '../cache/scope.js';
import type { Inputs } from '../engine/inputs/inputs.js';
import { hitRangeOf } from '../engine/outcome/hit-range.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../model/door.js';
import { VERSION } from '../result/version.js';
import { NULL_EXPERT, type RoutingTrace } from '../trace/trace.js';
import { type BroadcastWatch, broadcastHere, broadcastToThreads } from './broadcast.js';
import { CURVE_SCHEMA, type Curve, type CurvePoint, type PolicyCurve } from './curve-result.js';
import { type JobSpec, type ReplayOptions, splitAtWarmup } from './jobs.js';
import { bestOnline, curveWarnings, judge, kneeOf } from './verdict.js';

/** Request for a curve. */
export interface CurveOptions extends ReplayOptions, Pick<Inputs, 'routing'> {
  /** True: expert size unknown, one byte each. Absent: sizes known. */
  readonly unsized?: boolean;
  readonly trace: RoutingTrace;
  readonly policies: readonly PolicyChoice[];
  /** Bytes, ascending. */
  readonly capacities: readonly number[];
  /** An event is a token at a layer (atomic), or an activation. */
  readonly replay: 'atomic' | 'sequential';
  readonly quotas: Quotas;
  readonly tokens: number;
  /** Activations by dense id, with source, for policies based on popularity. */
  readonly popularity: { readonly counts: Float64Array; readonly source: string } | null;
  /** Capacity of the verdict; null: the knee. */
  readonly at: number | null;
  /** Maximum computing threads; 0: current thread only. Results do not depend on threads. */
  readonly threads: number;
}

/** Leaves the trace open. @throws UserError if a policy cannot be loaded or lacks inputs */
export async function drawCurve(options: CurveOptions, watch: BroadcastWatch = {}): Promise<Curve> {
  const { model, trace, tokens, warmup, threads } = options;
  const demand = new DemandCount(model, trace.topK, warmup);
  const tables = options.quotas === 'even' ? null : slotTable(model);
  const plans = await planJobs(options, tables ?? options.capacities.map((bytes) => ({ bytes, quotas: null })));
  const jobs = plans.map((plan) => plan.job);
  const seeing: BroadcastWatch = { ...watch, block: (experts, rows) => demand.rows(experts, rows) };
  const counts =
    threads === 0 ? await broadcastHere(trace, tokens, jobs, seeing) : await broadcastToThreads(trace, tokens, jobs, threads, seeing);
  const policies = options.policies.map(({ text: policy }, index): PolicyCurve => {
    const counted = plans.flatMap((plan, job) =>
      plan.policy === index ? plan.places.map((place, c) => [place, counts[job]![c]!] as const) : [],
    );
    const byPlace: CapacityCounts[] = [];
    for (const [place, count] of counted) byPlace[place] = count;
    const { name, foresight } = plans.find((plan) => plan.policy === index)!;
    const drawn = tables === null ? { points: byPlace.map((count) => pointOf(count, demand)) } : splitCurve(options, byPlace, demand);
    const points = drawn.points.map((point) => ({ ...point, ...(foresight ? {} : hitRangeOf(point.hitRate, options.routing)) }));
    return { policy, name, foresight, ...drawn, points };
  });
  const demanded = sum(demand.demanded);
  const data = {
    schema: CURVE_SCHEMA,
    tool: { name: 'moeprof', version: VERSION },
    inputs: {
      model: model.name,
      quantization: model.quantization,
      ...(options.unsized === true ? { unit: 'experts' as const } : {}),
      trace: {
        path: shownTrace(trace.path),
        sha256: trace.sha256(),
        tokens,
        requests: trace.requests.length,
        synthetic: trace.meta.synthetic,
      },
    },
    config: {
      scope: options.scope,
      replay: options.replay,
      quotas: options.quotas,
      warmup,
      seed: options.seed,
      ...(options.popularity === null ? {} : { popularity: options.popularity.source }),
    },
    capacities: options.capacities,
    expertBytes: expertBytesTotal(model),
    experts: model.experts,
    tokenCycleBytes: tokenCycleBytes(model),
    demand: {
      tokens: demand.tokens,
      events: demand.events,
      demanded,
      compulsory: demand.compulsory,
      perEvent: demand.events === 0 ? 0 : demanded / demand.events,
    },
    policies,
  } as const;
  const curve = { ...data, warnings: curveWarnings(data, model) };
  const best = bestOnline(curve);
  return { ...curve, knee: best === null ? null : kneeOf(curve, best), verdict: judge(curve, options.at) };
}

interface Plan {
  readonly job: JobSpec;
  readonly policy: number;
  readonly name: string;
  readonly foresight: boolean;
  readonly places: readonly number[];
}

/** One job per policy; late replays are divided among idle threads. */
async function planJobs(options: CurveOptions, capacities: readonly SplitCapacity[]): Promise<Plan[]> {
  const { model, trace, folder, scope, warmup, seed, popularity, threads } = options;
  const plans: Plan[] = [];
  for (const [index, policy] of options.policies.entries()) {
    const { definition, parameters } = await resolvePolicy(policy, folder);
    const foresight = policyNeeds(definition, parameters).includes('future');
    const parts = Math.max(1, Math.min(foresight ? threads : 1, capacities.length));
    for (let part = 0; part < parts; part++) {
      const places = capacities.map((_, place) => place).filter((place) => place % parts === part);
      const job: JobSpec = {
        model,
        topK: trace.topK,
        policy,
        folder,
        capacities: places.map((place) => capacities[place]!),
        scope,
        sequential: options.replay === 'sequential',
        warmup,
        seed,
        popularity: popularity?.counts ?? null,
      };
      plans.push({ job, policy: index, name: definition.name, foresight, places });
    }
  }
  return plans;
}

function pointOf({ hits, caches }: CapacityCounts, demand: DemandCount): CurvePoint {
  const demanded = sum(demand.demanded);
  const hit = sum(hits);
  const insertions = caches.reduce((sum, cache) => sum + cache.insertions, 0);
  const evictions = caches.reduce((sum, cache) => sum + cache.evictions, 0);
  return {
    hits: hit,
    hitRate: demanded === 0 ? 0 : hit / demanded,
    insertions,
    evictions,
    streamed: demanded - hit - insertions,
    churn: demand.tokens === 0 ? 0 : (insertions + evictions) / demand.tokens,
  };
}

/** Capacities with equal slots in all layers; determine all per-layer caches. */
function slotTable(model: ModelSpec): SplitCapacity[] {
  const most = model.layers.reduce((slots, layer) => Math.max(slots, layer.experts), 0);
  return Array.from({ length: most + 1 }, (_, slots) => {
    const quotas = model.layers.map((layer) => Math.min(slots, layer.experts));
    return { bytes: quotas.reduce((sum, count, l) => sum + count * model.layers[l]!.expertBytes, 0), quotas };
  });
}

/** With gains over an even split. */
function splitCurve(
  { model, capacities, quotas }: CurveOptions,
  table: readonly CapacityCounts[],
  demand: DemandCount,
): { points: CurvePoint[]; splits: number[][]; gains: number[] } {
  const hitsOf = model.layers.map((layer, l) => Float64Array.from({ length: layer.experts + 1 }, (_, slots) => table[slots]!.hits[l]!));
  const splits =
    quotas === 'optimal'
      ? optimalQuotas(model, hitsOf, capacities)
      : capacities.map((bytes) =>
          quotas === 'shallow' ? shallowQuotas(model, bytes) : proportionalQuotas(model, demand.activations, bytes),
        );
  const pointAt = (split: readonly number[]): CurvePoint =>
    pointOf({ hits: split.map((slots, l) => table[slots]!.hits[l]!), caches: split.map((slots, l) => table[slots]!.caches[l]!) }, demand);
  const points = splits.map(pointAt);
  const gains = capacities.map((bytes, c) => points[c]!.hitRate - pointAt(evenSplit(model, bytes)).hitRate);
  return { points, splits, gains };
}

class DemandCount {
  tokens = 0;
  /** Layers of a token with at least one choice. */
  events = 0;
  readonly demanded: Float64Array;
  readonly activations: readonly Float64Array[];
  readonly #topK: number;
  readonly #warmup: number;
  readonly #seen: readonly Uint8Array[];
  /** First uses after warm-up: unavoidable misses. */
  compulsory = 0;
  #done = 0;

  /** @param warmup uncounted tokens at the start */
  constructor(model: ModelSpec, topK: number, warmup: number) {
    this.#topK = topK;
    this.#warmup = warmup;
    this.demanded = new Float64Array(model.layers.length);
    this.activations = model.layers.map((layer) => new Float64Array(layer.experts));
    this.#seen = model.layers.map((layer) => new Uint8Array(layer.experts));
  }

  rows(experts: Uint16Array, tokens: number): void {
    splitAtWarmup(this.#done, tokens, this.#warmup, (from, to, counted) => {
      const first = this.#count(experts, from, to, counted ? 1 : 0);
      if (!counted) return;
      this.tokens += to - from;
      this.compulsory += first;
    });
    this.#done += tokens;
  }

  #count(experts: Uint16Array, from: number, to: number, weight: 0 | 1): number {
    const layers = this.demanded.length;
    const topK = this.#topK;
    let first = 0;
    let at = from * layers * topK;
    for (let row = from; row < to; row++) {
      for (let layer = 0; layer < layers; layer++) {
        const seen = this.#seen[layer]!;
        const activations = this.activations[layer]!;
        let members = 0;
        for (const end = at + topK; at < end; at++) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          members++;
          activations[expert]! += weight;
          first += 1 - seen[expert]!;
          seen[expert] = 1;
        }
        this.demanded[layer]! += members * weight;
        if (members > 0) this.events += weight;
      }
    }
    return first;
  }
}
