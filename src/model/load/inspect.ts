import { assemble, type ModelParts, NO_WEIGHTS, routedOf, sumWeights, type Weights } from '../parts.js';
import { expertBytesTotal, type FormatShare, type ModelSpec, scaleFormats, sumFormats, tokenCycleBytes } from '../spec.js';
import type { OpenModel } from './load.js';

/** Version tag of an inspection as JSON. */
const MODEL_SCHEMA = 'moeprof.model/1';

/** One part of a model, over all layers. */
interface PartBudget {
  readonly part: 'experts' | 'shared experts' | 'router' | 'attention' | 'dense FFN' | 'head' | 'embedding';
  readonly parameters: number;
  /** Parameters that one token goes through: none of the embedding, of which it reads a row. */
  readonly active: number;
  readonly bytes: number;
  /** Formats of the weights, most bytes first; empty if unknown. */
  readonly formats: readonly FormatShare[];
}

interface ExpertGroup {
  /** Decoder layers: every `step`-th from first to last, both included. */
  readonly layers: readonly (readonly [first: number, last: number, step: number])[];
  /** MoE layers in the group: one for each routed module of a decoder layer. */
  readonly count: number;
  readonly experts: number;
  readonly topK: number;
  readonly expertBytes: number;
}

interface MachineMemory {
  readonly name: string;
  /** Memories in bytes, from the one in which experts execute to the one that keeps them all. */
  readonly tiers: readonly { readonly name: string; readonly bytes: number }[];
}

/** How a model fits a machine at some context. */
export interface Fit {
  readonly machine: string;
  readonly memoryBytes: number;
  /** Memory left for experts: without dense weights and KV cache, and, unless all experts fit, without a staging buffer. */
  readonly cacheBytes: number;
  /** Share of all experts that this holds, 0 to 1. */
  readonly share: number;
  /** Experts of each layer that this holds, if all layers get the same number. */
  readonly perLayer: number;
  /** Memory that holds the other experts; null if none are left over, or none is large enough. */
  readonly rest: string | null;
  /**
   * `resident`: all experts. `cached`: some. `below-token-cycle`: less than a token touches: LRU and FIFO hit nothing.
   * `dense-too-large`: dense weights, KV cache, staging do not fit. `experts-too-large`: no memory holds all.
   */
  readonly verdict: 'resident' | 'cached' | 'below-token-cycle' | 'dense-too-large' | 'experts-too-large';
}

/** Facts of a model before anything runs: its parameters and bytes by part, the size of experts by layer, and how many experts fit on a machine. */
export interface ModelInspection {
  readonly schema: typeof MODEL_SCHEMA;
  readonly name: string;
  readonly quantization: string;
  /** Source of the sizes: the rules of the format, or the tensors in files. */
  readonly sizes: OpenModel['sizes'];
  readonly layers: { readonly total: number; readonly moe: number };
  /** Whole models that are the experts; absent: experts are parts of one model. */
  readonly wholeModels?: number;
  readonly parameters: {
    readonly total: number;
    readonly active: number;
    /** As the publisher states them; `alike`: those that are active here, with the tables of the vocabulary that the publisher counts. */
    readonly published: (NonNullable<NonNullable<OpenModel['profile']>['published']> & { readonly alike: number }) | null;
  };
  /** A note for the reader on how the model was described; absent: none. */
  readonly note?: string;
  readonly bytes: number;
  readonly parts: readonly PartBudget[];
  readonly experts: readonly ExpertGroup[];
  readonly expertBytes: number;
  /** Bytes of experts that one token touches (L15). */
  readonly tokenCycleBytes: number;
  readonly kvBytesPerToken: number;
  /** Tokens of context that `fits` allows for. */
  readonly context: number;
  readonly fits: readonly Fit[];
}

/** Inspects a model. @param context tokens of KV cache that machines must hold */
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

/** Active parameters with the head alone (1 table of the vocabulary), with the embedding as well (2), or with neither (0). */
const activeAs = (tables: 0 | 1 | 2, { embedding, head }: ModelParts, { parameters }: ModelSpec): number =>
  parameters.active + (tables === 2 ? (embedding?.parameters ?? 0) : 0) - (tables === 0 ? head.parameters : 0);

/** Parameters and bytes by part; parts that a model does not have are left out. */
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

/** Folds ascending numbers into runs of equal steps, greedily; two numbers that are not neighbours stay two runs. */
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

/** Counts the experts that a machine can keep with the dense weights and the KV cache of one request. */
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
  const most = Math.max(...model.layers.map((layer) => layer.experts));
  let count = 0;
  for (let taken = 0; count < most; count++) {
    taken += model.layers.reduce((sum, layer) => sum + (layer.experts > count ? layer.expertBytes : 0), 0);
    if (taken > bytes) break;
  }
  return count;
}
