import { assemble, type ModelParts, NO_WEIGHTS, routedOf, sumWeights, type Weights } from '../parts.js';
import { expertBytesTotal, type FormatShare, type ModelSpec, mostExperts, scaleFormats, sumFormats, tokenCycleBytes } from '../spec.js';
import type { OpenModel } from './load.js';

/** Version tag of a JSON inspection. */
const MODEL_SCHEMA = 'moeprof.model/1';

interface PartBudget {
  readonly part: 'experts' | 'shared experts' | 'router' | 'attention' | 'dense FFN' | 'head' | 'embedding';
  readonly parameters: number;
  /** Parameters used by a token; 0 for the embedding. */
  readonly active: number;
  readonly bytes: number;
  readonly formats: readonly FormatShare[];
}

interface ExpertGroup {
  /** Decoder layers: every `step`-th from first to last, inclusive. */
  readonly layers: readonly (readonly [first: number, last: number, step: number])[];
  /** MoE layers: routed modules of the decoder layers. */
  readonly count: number;
  readonly experts: number;
  readonly topK: number;
  readonly expertBytes: number;
}

interface MachineMemory {
  readonly name: string;
  /** Memory tiers, from the executing tier to the tier of all experts. */
  readonly tiers: readonly { readonly name: string; readonly bytes: number }[];
}

/** Fit of a model on a machine. */
export interface Fit {
  readonly machine: string;
  readonly memoryBytes: number;
  /** Memory left for experts, net of dense weights, KV cache and, unless all fit, staging. */
  readonly cacheBytes: number;
  /** Share of all experts in `cacheBytes`, 0 to 1. */
  readonly share: number;
  /** Experts per layer in `cacheBytes`, equal for all layers. */
  readonly perLayer: number;
  /** Tier of the remaining experts; null: no experts remain, or no tier is large enough. */
  readonly rest: string | null;
  /**
   * `below-token-cycle`: less than a token touches, so LRU and FIFO never hit. `dense-too-large`: dense weights, KV
   * cache, staging do not fit. `experts-too-large`: no memory holds all experts.
   */
  readonly verdict: 'resident' | 'cached' | 'below-token-cycle' | 'dense-too-large' | 'experts-too-large';
}

/** Facts of a model, and fits on machines. */
export interface ModelInspection {
  readonly schema: typeof MODEL_SCHEMA;
  readonly name: string;
  readonly quantization: string;
  /** Source of the sizes: format rules, or tensors in files. */
  readonly sizes: OpenModel['sizes'];
  readonly layers: { readonly total: number; readonly moe: number };
  /** Absent: parts of a model. */
  readonly wholeModels?: number;
  readonly parameters: {
    readonly total: number;
    readonly active: number;
    /** Published figures; `alike`: our active parameters with the publisher's vocabulary tables. */
    readonly published: (NonNullable<NonNullable<OpenModel['profile']>['published']> & { readonly alike: number }) | null;
  };
  readonly note?: string;
  readonly bytes: number;
  readonly parts: readonly PartBudget[];
  readonly experts: readonly ExpertGroup[];
  readonly expertBytes: number;
  /** Expert bytes touched by a token (L15). */
  readonly tokenCycleBytes: number;
  readonly kvBytesPerToken: number;
  /** Tokens of context in `fits`. */
  readonly context: number;
  readonly fits: readonly Fit[];
}

/** @param context tokens of KV cache */
export function inspectModel({ parts, profile, sizes }: OpenModel, machines: readonly MachineMemory[], context: number): ModelInspection {
  const model = assemble(parts);
  const budget = budgetOf(parts);
  return {
    schema: MODEL_SCHEMA,
    name: model.name,
    quantization: model.quantization,
    sizes,
    layers: { total: parts.layers.length, moe: parts.layers.filter(({ moe }) => moe !== null).length },
    ...(model.wholeModels === true ? { wholeModels: model.experts } : {}),
    parameters: {
      ...model.parameters,
      published:
        profile?.published === undefined ? null : { ...profile.published, alike: activeAs(profile.published.tables, parts, model) },
    },
    ...(model.note === undefined ? {} : { note: model.note }),
    bytes: expertBytesTotal(model) + model.dense.weightBytes,
    parts: budget,
    experts: groupExperts(parts, model),
    expertBytes: expertBytesTotal(model),
    tokenCycleBytes: tokenCycleBytes(model),
    kvBytesPerToken: model.dense.kvBytesPerToken,
    context,
    fits: machines.map((machine) => fitOn(machine, model, context)),
  };
}

const activeAs = (tables: 0 | 1 | 2, { embedding, head }: ModelParts, { parameters }: ModelSpec): number =>
  parameters.active + (tables === 2 ? (embedding?.parameters ?? 0) : 0) - (tables === 0 ? head.parameters : 0);

function budgetOf(parts: ModelParts): PartBudget[] {
  const over = (part: 'shared' | 'router' | 'attention' | 'ffn'): Weights => sumWeights(parts.layers.map((layer) => layer[part]));
  const dense = (part: PartBudget['part'], weights: Weights): PartBudget => ({
    part,
    parameters: weights.parameters,
    active: weights.parameters,
    bytes: Math.round(weights.bytes),
    formats: sumFormats([weights.formats]),
  });
  const experts = parts.layers.flatMap(routedOf);
  return [
    {
      part: 'experts' as const,
      parameters: experts.reduce((sum, moe) => sum + moe.experts * moe.expert.parameters, 0),
      active: experts.reduce((sum, moe) => sum + moe.topK * moe.expert.parameters, 0),
      bytes: experts.reduce((sum, moe) => sum + moe.experts * Math.round(moe.expert.bytes), 0),
      formats: sumFormats(experts.map((moe) => scaleFormats(moe.expert.formats, moe.experts, moe.experts))),
    },
    dense('shared experts', over('shared')),
    dense('router', over('router')),
    dense('attention', over('attention')),
    dense('dense FFN', over('ffn')),
    dense('head', parts.head),
    { ...dense('embedding', parts.embedding ?? NO_WEIGHTS), active: 0 },
  ].filter(({ parameters, bytes }) => parameters > 0 || bytes > 0);
}

function groupExperts(parts: ModelParts, model: ModelSpec): ExpertGroup[] {
  const groups = new Map<string, { layers: number[]; modules: number; experts: number; topK: number; expertBytes: number }>();
  let index = 0;
  for (const [layer, part] of parts.layers.entries()) {
    for (const _ of routedOf(part)) {
      const { experts, topK, expertBytes } = model.layers[index++]!;
      const key = `${experts}/${topK}/${expertBytes}`;
      const group = groups.get(key) ?? { layers: [], modules: 0, experts, topK, expertBytes };
      if (group.layers.at(-1) !== layer) group.layers.push(layer);
      group.modules++;
      groups.set(key, group);
    }
  }
  return [...groups.values()].map(({ modules, ...group }) => ({ ...group, count: modules, layers: foldLayers(group.layers) }));
}

/** Folds ascending numbers into runs of equal steps, greedily. Two non-adjacent numbers stay two runs. */
export function foldLayers(layers: readonly number[]): [first: number, last: number, step: number][] {
  const runs: [number, number, number][] = [];
  for (let i = 0; i < layers.length; ) {
    const step = (layers[i + 1] ?? layers[i]! + 1) - layers[i]!;
    let end = i + 1;
    while (end < layers.length && layers[end]! - layers[end - 1]! === step) end++;
    if (end - i === 2 && step > 1) end = i + 1;
    runs.push([layers[i]!, layers[end - 1]!, end - i === 1 ? 1 : step]);
    i = end;
  }
  return runs;
}

/** Next to dense weights and a request's KV cache. */
export function fitOn(machine: MachineMemory, model: ModelSpec, context: number): Fit {
  const memoryBytes = machine.tiers[0]!.bytes;
  const experts = expertBytesTotal(model);
  const free = memoryBytes - model.dense.weightBytes - context * model.dense.kvBytesPerToken;
  const staging = model.layers.reduce((most, layer) => Math.max(most, layer.topK * layer.expertBytes), 0);
  const resident = free >= experts;
  const cacheBytes = resident ? experts : Math.max(0, free - staging);
  const rest = resident ? null : (machine.tiers.slice(1).find((tier) => tier.bytes >= experts)?.name ?? null);
  const fit = {
    machine: machine.name,
    memoryBytes,
    cacheBytes,
    share: cacheBytes / experts,
    perLayer: expertsPerLayer(model, cacheBytes),
    rest,
  };
  if (resident) return { ...fit, verdict: 'resident' };
  if (free < staging) return { ...fit, verdict: 'dense-too-large' };
  if (rest === null) return { ...fit, verdict: 'experts-too-large' };
  return { ...fit, verdict: cacheBytes < tokenCycleBytes(model) ? 'below-token-cycle' : 'cached' };
}

function expertsPerLayer(model: ModelSpec, bytes: number): number {
  const most = mostExperts(model);
  let count = 0;
  for (let taken = 0; count < most; count++) {
    taken += model.layers.reduce((sum, layer) => sum + (layer.experts > count ? layer.expertBytes : 0), 0);
    if (taken > bytes) break;
  }
  return count;
}
