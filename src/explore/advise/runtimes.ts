// What each runtime can be told: the placements that it has, from most on the GPU to least, and the values that are tried of its other
// settings. The order of a ladder is the order of speed: a rung below is never faster.

import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import type { AllocatingEngine } from '../../hardware/allocation/load-plan.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Dialect } from './flags/dialect.js';
import { ikLlamaCpp } from './flags/ik-llama.cpp.js';
import { ktransformers } from './flags/ktransformers.js';
import { llamaCpp } from './flags/llama.cpp.js';
import { ollama } from './flags/ollama.js';
import { sglangServer } from './flags/sglang.js';
import { vllmServer } from './flags/vllm.js';
import { ALL_ON_GPU, type KvType, type WeightPlacement } from './setting.js';

/** A runtime that advice is given for. */
export interface AdvisedRuntime {
  readonly name: string;
  /** Profile in `profiles/runtimes/`; null: that of llama.cpp for the GPU's vendor. */
  readonly profile: string | null;
  readonly dialect: Dialect;
  /** Placements, most on the GPU first. */
  ladder(model: ModelSpec): readonly WeightPlacement[];
  /** Tokens of a prompt's pass that are tried. */
  readonly ubatches: readonly number[];
  /** Storage of the KV cache that is offered, the usual first. */
  readonly kv: readonly KvType[];
  /** Formats to fall back to, most bits first, where the model's own does not fit; they are what its files come in. */
  readonly quantizations: readonly string[];
  /** What it reads: GGUF files, or a folder of safetensors. */
  readonly reads: 'gguf' | 'folder';
  /** How it takes memory: as llama.cpp or its fork allocates it, or all but a share of each GPU that is left for activations. */
  readonly memory: AllocatingEngine | number;
}

/** Everything on the GPU, or nothing: what lies between, decoder layers as wholes, the engine does not price yet. */
const wholly = (): readonly WeightPlacement[] => [ALL_ON_GPU, { ...ALL_ON_GPU, gpuLayers: 0 }];

/** Experts of first layers in host memory; where all are, the CPU alone. */
function byExpertLayers(model: ModelSpec): WeightPlacement[] {
  const moved = Array.from({ length: model.layers.length + 1 }, (_, cpuMoe) => ({ ...ALL_ON_GPU, cpuMoe }));
  return [...moved, { ...ALL_ON_GPU, gpuLayers: 0 }];
}

/** So many experts of each layer on the GPU. */
function byShare(model: ModelSpec): WeightPlacement[] {
  const most = Math.max(...model.layers.map(({ experts }) => experts));
  return [ALL_ON_GPU, ...Array.from({ length: most }, (_, i) => ({ ...ALL_ON_GPU, gpuExperts: most - 1 - i }))];
}

const allOnGpu = (): readonly WeightPlacement[] => [ALL_ON_GPU];

const GGUF_FORMATS = ['q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q3_k_m', 'ud-q2_k_xl', 'ud-iq1_s'];
const FOLDER_FORMATS = ['bf16', 'fp8', 'int4'];

/** Passes of llama.cpp: its default, and what people raise it to. */
const PASSES = [512, 1024, 2048, 4096];

/** All runtimes. */
export const ADVISED: readonly AdvisedRuntime[] = [
  {
    ...{ name: 'llama.cpp', profile: null, dialect: llamaCpp, ladder: byExpertLayers, ubatches: PASSES, kv: ['f16', 'q8_0'] },
    ...{ quantizations: GGUF_FORMATS, reads: 'gguf', memory: 'llama.cpp' },
  },
  {
    ...{
      name: 'ik_llama.cpp',
      profile: 'ik_llama.cpp',
      dialect: ikLlamaCpp,
      ladder: byExpertLayers,
      ubatches: PASSES,
      kv: ['f16', 'q8_0'],
    },
    ...{ quantizations: GGUF_FORMATS, reads: 'gguf', memory: 'ik_llama.cpp' },
  },
  {
    ...{ name: 'ktransformers', profile: 'sglang-kt', dialect: ktransformers, ladder: byShare, ubatches: [2048, 4096, 8192], kv: ['f16'] },
    ...{ quantizations: FOLDER_FORMATS, reads: 'folder', memory: 0.12 },
  },
  {
    ...{ name: 'sglang', profile: 'sglang', dialect: sglangServer, ladder: allOnGpu, ubatches: [2048, 4096, 8192], kv: ['f16'] },
    ...{ quantizations: FOLDER_FORMATS, reads: 'folder', memory: 0.12 },
  },
  {
    ...{ name: 'vllm', profile: 'vllm', dialect: vllmServer, ladder: allOnGpu, ubatches: [2048, 4096, 8192], kv: ['f16'] },
    ...{ quantizations: FOLDER_FORMATS, reads: 'folder', memory: 0.1 },
  },
  {
    ...{ name: 'ollama', profile: null, dialect: ollama, ladder: wholly, ubatches: [512, 1024, 2048], kv: ['f16', 'q8_0'] },
    ...{ quantizations: GGUF_FORMATS, reads: 'gguf', memory: 'llama.cpp' },
  },
];

/**
 * A runtime by its name.
 * @throws UserError with the nearest names
 */
export function advisedRuntime(name: string): AdvisedRuntime {
  const found = ADVISED.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = ADVISED.map((one) => one.name);
  throw new UserError(`--runtime: unknown runtime "${name}": ${didYouMean(name, names)}`);
}
