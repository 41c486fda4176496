import { CPU_PROJECTIONS, decoderLayers, isSeparable, type ModelSpec, mostExperts } from '../../model/door.js';
import { ALL_ON_GPU, type WeightPlacement } from '../setting/setting.js';
import { NO_OWN_DRAFTS } from './own-drafts.js';

/** Experts of the first layers in host memory, with projections of the next layer; finally whole layers. */
export function byExpertLayers(model: ModelSpec): WeightPlacement[] {
  const { length } = model.layers;
  const steps = model.layers.flatMap(({ index: cpuMoe }): WeightPlacement[] => [
    { ...ALL_ON_GPU, cpuMoe },
    ...(isSeparable(model, cpuMoe) ? CPU_PROJECTIONS.map((cpuProjections) => ({ ...ALL_ON_GPU, cpuMoe, cpuProjections })) : []),
  ]);
  return [...steps, { ...ALL_ON_GPU, cpuMoe: length }, ...fewerLayers(model, length)];
}

/** {@link byExpertLayers} for programs without a flag for single projections. */
export const byWholeExpertLayers = (model: ModelSpec): WeightPlacement[] =>
  byExpertLayers(model).filter((placement) => placement.cpuProjections === null);

function fewerLayers(model: ModelSpec, cpuMoe: number): WeightPlacement[] {
  const layers = decoderLayers(model);
  return Array.from({ length: layers + 1 }, (_, i) => ({ ...ALL_ON_GPU, cpuMoe, gpuLayers: layers - i }));
}

/** From all experts of each layer on the GPU down to none. */
export function byShare(model: ModelSpec): WeightPlacement[] {
  const most = mostExperts(model);
  return [ALL_ON_GPU, ...Array.from({ length: most }, (_, i) => ({ ...ALL_ON_GPU, gpuExperts: most - 1 - i }))];
}

const never = (): null => null;

/** Ubatches: the default and usual larger values; bits: about those of a whole file. */
export const GGUF = {
  profile: null,
  ubatches: [512, 1024, 2048, 4096, 8192],
  kv: ['f16', 'q8_0'],
  quantizations: { q8_0: 8.5, q6_k: 6.6, q5_k_m: 5.7, q4_k_m: 4.8, q3_k_m: 3.9, 'ud-q2_k_xl': 2.9, 'ud-iq1_s': 1.7 },
  usualFile: 'q4_k_m',
  reads: 'gguf',
  mapsFiles: true,
  isolates: true,
  followsFrom: never,
  ownDrafts: NO_OWN_DRAFTS,
  caches: [],
  looksUp: false,
  pins: false,
  benchmark: null,
  timer: null,
  ladder: byExpertLayers,
} as const;

/** Python servers with everything on the GPU. */
export const SERVER = {
  ubatches: [2048, 4096, 8192],
  kv: ['f16'],
  quantizations: { bf16: 16, fp8: 8, int4: 4.3 },
  usualFile: null,
  reads: 'folder',
  mapsFiles: false,
  isolates: false,
  followsFrom: never,
  ownDrafts: NO_OWN_DRAFTS,
  caches: [],
  looksUp: false,
  pins: false,
  benchmark: null,
  timer: null,
  ladder: (): readonly WeightPlacement[] => [ALL_ON_GPU],
} as const;
