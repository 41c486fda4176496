import { PAPERS_PROFILE, profileOfProgram, runtimeOfProgram } from '../../../runtime/door.js';
import type { SystemSpec } from '../../../system/door.js';
import { isOwnCache, type Measurement } from './measurement.js';
import { CACHED_RAM, lookAheadOf, onCardOf } from './streamed-row.js';

/** Predictable figures of a row, in report order. */
export const MEASURED_METRICS = ['decode', 'prefill', 'hit_rate'] as const;
/** One of {@link MEASURED_METRICS}. */
export type MeasuredMetric = (typeof MEASURED_METRICS)[number];

interface Figure {
  readonly metric: MeasuredMetric;
  readonly measured: number;
  /** Reason for no score; null: scored. */
  readonly unscored: string | null;
}

/** A run's system with cache capacities. */
export interface RowSystem {
  readonly system: Readonly<Record<string, unknown>> | string;
  readonly loaded?: SystemSpec;
  /** `memory.expertCache`; null: the system's own. */
  readonly expertCache: string | null;
  /** `memory.dramCache`; null: DRAM holds every expert. */
  readonly dramCache: string | null;
}

/** True if a paper's GPU share is a strategy of whole layers: the experts of a layer are one tensor in GGUF. */
function isStrategy({ engine, placement, source }: Measurement): boolean {
  return runtimeOfProgram(engine).advised?.reads === 'gguf' && placement.kind === 'cpu-share' && /second-hand/.test(source ?? '');
}

/** Runtime by program and GPU kind; a paper's framework has a shared profile. */
export function runtimeOf(row: Measurement): string {
  const { engine, framework = engine, machine, placement } = row;
  return profileOfProgram(isStrategy(row) ? PAPERS_PROFILE : framework, machine.gpus[0]?.name, (placement.gpu_expert_share ?? 0) > 0);
}

/** Family of a weight format, by unpacking. */
export function formatKin({ bits, quant }: Measurement['model']): string {
  const name = (quant ?? '').toLowerCase().replace(/^(ud|mix)-/, '');
  if (/^iq\d_k|^iq\d_kt|^iq\d_ks|^iq6/.test(name)) return 'ik';
  if (/^iq\d|^tq/.test(name)) return 'i';
  if (/^q\d_k/.test(name)) return 'k';
  if (/^q\d_\d/.test(name)) return 'legacy';
  if (/^(bf16|f16|fp16|f32|fp8|mxfp4|nvfp4)/.test(name)) return 'fp';
  if (/^(int\d|gptq|awq|hqq|mlx)/.test(name)) return 'int';
  return bits === undefined ? 'unknown' : 'mix';
}

/** Tokens/s of all users by the mean time of a user's token; null: not scored by it. */
export function byTokenTime({ measured: { tpot_ms }, run: { batch_users = 1 }, scorable }: Measurement): number | null {
  return scorable?.tpot === true && tpot_ms !== undefined ? (batch_users * 1e3) / tpot_ms : null;
}

/** Figures of a row, with reasons for no score. */
export function figuresOf(row: Measurement): Figure[] {
  const { measured, model, pathology, scorable } = row;
  const figures: Figure[] = [];
  const add = (metric: MeasuredMetric, value: number | undefined, may: boolean | undefined): void => {
    if (value === undefined) return;
    const allowed = scorable === undefined ? true : may === true;
    const lacks = /not stated/.test(model.variant ?? '')
      ? 'the specification does not suffice: its model is not stated'
      : 'the specification does not suffice';
    const alone = scorable?.pair === true ? 'its gain over another row is judged, not its speed' : lacks;
    const why = pathology === undefined ? alone : `pathology: ${pathology}`;
    figures.push({ metric, measured: value, unscored: allowed ? null : why });
  };
  const perUser = byTokenTime(row);
  add('decode', perUser ?? measured.tg_tps, perUser === null ? scorable?.tg : true);
  add('prefill', measured.pp_tps, scorable?.pp);
  add('hit_rate', measured.hit_rate, scorable?.hit);
  return figures;
}

/** A static placement; the CPU computes experts outside the GPU. */
const fixed = (policy: string, scope: 'global' | 'layer'): Readonly<Record<string, unknown>> => ({
  name: policy,
  cache: { policy, scope },
  onMiss: 'cpu',
});

const RESIDENT: RowSystem = { system: 'all-resident', expertCache: null, dramCache: null };

/** Whole layers in host memory, first layers first; `all`: every layer. */
const byLayer = (onCpu: number | 'all'): RowSystem => ({
  system: fixed(onCpu === 'all' ? 'static:by=layer' : `static:by=layer,cpuLayers=${onCpu}`, 'global'),
  expertCache: onCpu === 'all' ? '0%' : '100%',
  dramCache: null,
});

const LRU = { name: 'lru', cache: { policy: 'lru', scope: 'layer' } } as const;

/** Selection rules for GPU experts in rows' notes. */
const BY_POPULARITY = /frequency|popular/;
const BY_USE = /dynamic/;
const BY_LAYER = /front-loading/;

/** System, or the missing input. @param layers MoE layers @param discrete separate GPU and host memory */
export function systemOf(row: Measurement, layers: number, discrete: boolean): RowSystem | { readonly lacks: string } {
  const { placement } = row;
  switch (placement.kind) {
    case 'all-gpu':
      return RESIDENT;
    case 'all-cpu':
      return discrete ? byLayer('all') : RESIDENT;
    case 'cpu-layers': {
      const onCpu = layersOnCpu(placement, layers);
      if (onCpu === null) return { lacks: 'nothing says how many layers lie in host memory' };
      return discrete ? byLayer(onCpu) : RESIDENT;
    }
    case 'cpu-share':
      return shareOf(row, layers);
    case 'expert-cache':
      return cacheOf(row);
    case 'ssd-stream':
      return streamOf(row, discrete);
  }
}

/** MoE layers with experts in host memory; null: unknown. */
function layersOnCpu({ cpu_moe_layers, gpu_expert_share, gpu_moe_layers }: Measurement['placement'], layers: number): number | null {
  if (cpu_moe_layers !== undefined) return Math.min(layers, Math.round(cpu_moe_layers));
  if (gpu_moe_layers !== undefined) return Math.max(0, layers - Math.round(gpu_moe_layers));
  return gpu_expert_share === undefined ? null : Math.round(layers * (1 - gpu_expert_share));
}

function shareOf(row: Measurement, layers: number): RowSystem | { readonly lacks: string } {
  const { gpu_expert_share: share, note = '' } = row.placement;
  if (share === undefined) return { lacks: 'nothing says which part of the experts is on the GPU' };
  if (BY_LAYER.test(note) || isStrategy(row)) return byLayer(Math.round(layers * (1 - share)));
  const followed = BY_USE.test(note) && runtimeOfProgram(row.engine).systemOf({ program: row.engine, as: 'followed share' });
  const common = { expertCache: `${100 * share}%`, dramCache: null };
  if (followed) return { system: followed, ...common };
  return { system: fixed(`static:by=${BY_POPULARITY.test(note) ? 'popularity' : 'id'}`, 'layer'), ...common };
}

function cacheOf(row: Measurement): RowSystem | { readonly lacks: string } {
  const { engine, placement } = row;
  const capacity = capacityOf(placement);
  if (capacity === null) return { lacks: 'nothing says how large its cache is' };
  const common = { expertCache: capacity, dramCache: null };
  const { cpu_moe_layers: layers, policy, where } = placement;
  const onMiss = where === 'cpu' ? { do: 'cpu', admit: 'background' } : 'load';
  if (isOwnCache(row)) {
    const cached = layers === undefined ? policy : `${policy},cpuLayers=${layers}`;
    return { ...common, system: { name: 'cache', cache: { policy: cached!, scope: 'global' }, onMiss } };
  }
  const system = runtimeOfProgram(engine).systemOf({ program: engine, as: 'cache', misses: where });
  if (typeof system === 'object' && system !== null) return { ...common, system };
  // Variants in Mixtral-offloading's table.
  if (policy === 'lru') return { ...common, system: { ...LRU, onMiss } };
  if (policy === 'none' || policy === 'naive') return { ...common, expertCache: '0%', system: { name: 'no-cache', onMiss } };
  return { ...common, system: system ?? { ...LRU, onMiss } };
}

/** Value for `memory.expertCache`; null: unknown. */
function capacityOf({ cache_experts_per_layer, cache_gb, gpu_expert_share }: Measurement['placement']): string | null {
  if (cache_experts_per_layer !== undefined) return `${Math.round(cache_experts_per_layer)}/layer`;
  if (gpu_expert_share !== undefined) return `${100 * gpu_expert_share}%`;
  return cache_gb === undefined ? null : `${cache_gb} GB`;
}

function streamOf(row: Measurement, discrete: boolean): RowSystem | { readonly lacks: string } {
  const { machine, placement } = row;
  const { gpu_expert_share = 0 } = placement;
  const cached = placement.cache_gb ?? (machine.ram?.gb === undefined ? undefined : machine.ram.gb * CACHED_RAM);
  if (cached === undefined) return { lacks: 'nothing says how large its cache is' };
  if (!discrete) return { system: { ...LRU, ...lookAheadOf(row) }, expertCache: `${cached} GB`, dramCache: null };
  const onCard = onCardOf(row);
  const onGpu = onCard > 0 ? `${onCard} GB` : `${100 * gpu_expert_share}%`;
  return { system: fixed('static:by=popularity', 'layer'), expertCache: onGpu, dramCache: `${cached} GB` };
}
