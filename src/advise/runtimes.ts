// The settings of each runtime: its placements and the values that are tried of its other settings. Placements form a ladder, from most on
// the GPUs to least. Speed mostly falls along the ladder; the search runs the rungs to be sure.
import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import { CPU_PROJECTIONS, isSeparable } from '../model/projections.js';
import { decoderLayers, type ModelSpec, mainFormat } from '../model/spec.js';
import type { AllocatingEngine } from '../runtime/allocation/graph/load-plan.js';
import type { Dialect } from '../runtime/flags/dialect.js';
import { ikLlamaCpp } from '../runtime/flags/ik-llama.cpp.js';
import { followsFrom, ktransformers } from '../runtime/flags/ktransformers.js';
import { llamaCpp } from '../runtime/flags/llama.cpp.js';
import { ollama } from '../runtime/flags/ollama.js';
import { sglangServer } from '../runtime/flags/sglang.js';
import { vllmServer } from '../runtime/flags/vllm.js';
import { SGLANG_LEAVES, VLLM_LEAVES } from '../runtime/served.js';
import { ALL_ON_GPU, type KvType, type WeightPlacement } from '../runtime/setting.js';

/** Formats by their bits a weight, most first. */
type Offer = Readonly<Record<string, number>>;

/** A runtime that advice is given for. */
export interface AdvisedRuntime {
  readonly name: string;
  /** Profile in `profiles/runtimes/`; null: that of llama.cpp for the GPU's vendor. */
  readonly profile: string | null;
  readonly dialect: Dialect;
  /** Placements, most on the GPU first. */
  ladder(model: ModelSpec): readonly WeightPlacement[];
  /** Lengths of a prompt's pass that are tried, tokens. */
  readonly ubatches: readonly number[];
  /** Formats of the KV cache on offer, the usual one first. */
  readonly kv: readonly KvType[];
  /** Tokens of a prompt from which on it chooses the experts of its GPUs by what the prompt routes to; null: it has no flag for that. */
  followsFrom(model: ModelSpec): number | null;
  /** True where it can be told to use one socket of several, with its memory. (KTransformers' pools are faster on all.) */
  readonly isolates: boolean;
  /** Lengths of drafts by the model's own layers for further tokens that are tried, in order; empty: it has no flag for such a model. */
  drafts(model: ModelSpec, users: number): readonly number[];
  /** Formats that its files come in, most bits first. */
  readonly quantizations: Offer;
  /** Its input: GGUF files, or a folder of safetensors. */
  readonly reads: 'gguf' | 'folder';
  /** Files are mapped, so that a model may be larger than memory. */
  readonly mapsFiles: boolean;
  /** Its use of memory: as llama.cpp or its fork allocates it, or all but a share of each GPU, left for activations. */
  readonly memory: AllocatingEngine | number;
}

/** Whole layers on the GPUs: all, then without the head, then without the first layer, and so on. */
function byLayers(model: ModelSpec): WeightPlacement[] {
  return [ALL_ON_GPU, ...fewerLayers(model, 0)];
}

/**
 * Experts of the first layers in host memory, and perhaps some projections of the next; where all experts are there and more must go, whole
 * layers.
 */
function byExpertLayers(model: ModelSpec): WeightPlacement[] {
  const { length } = model.layers;
  const steps = model.layers.flatMap(({ index: cpuMoe }): WeightPlacement[] => [
    { ...ALL_ON_GPU, cpuMoe },
    ...(isSeparable(model, cpuMoe) ? CPU_PROJECTIONS.map((cpuProjections) => ({ ...ALL_ON_GPU, cpuMoe, cpuProjections })) : []),
  ]);
  return [...steps, { ...ALL_ON_GPU, cpuMoe: length }, ...fewerLayers(model, length)];
}

/** All layers without the head down to none. */
function fewerLayers(model: ModelSpec, cpuMoe: number): WeightPlacement[] {
  const layers = decoderLayers(model);
  return Array.from({ length: layers + 1 }, (_, i) => ({ ...ALL_ON_GPU, cpuMoe, gpuLayers: layers - i }));
}

/** All experts of each layer on the GPU down to none. */
function byShare(model: ModelSpec): WeightPlacement[] {
  const most = Math.max(...model.layers.map(({ experts }) => experts));
  return [ALL_ON_GPU, ...Array.from({ length: most }, (_, i) => ({ ...ALL_ON_GPU, gpuExperts: most - 1 - i }))];
}

/** Lengths of drafts that are tried: those of published runs; longer ones lose where one layer drafts them all. */
const DRAFTS = [1, 2, 3];

const noDrafts = (): readonly number[] => [];

/** Drafts where the checkpoint has layers that predict further tokens. */
function checkpointDrafts({ nextLayers = 0 }: ModelSpec): readonly number[] {
  return nextLayers > 0 ? DRAFTS : [];
}

/** Drafts where GGUF files have such layers. */
function fileDrafts({ anatomy, nextLayers = 0 }: ModelSpec): readonly number[] {
  return nextLayers > 0 && (anatomy?.nextLayers ?? 0) > 0 ? DRAFTS : [];
}

/** The same for ik_llama.cpp, which drafts for one conversation at a time (common/speculative.cpp). */
function fileDraftsOfOne(model: ModelSpec, users: number): readonly number[] {
  return users === 1 ? fileDrafts(model) : [];
}

const allOnGpu = (): readonly WeightPlacement[] => [ALL_ON_GPU];

/** Bits a weight over a whole file, about: enough to put them in order. */
const GGUF_FORMATS: Offer = { q8_0: 8.5, q6_k: 6.6, q5_k_m: 5.7, q4_k_m: 4.8, q3_k_m: 3.9, 'ud-q2_k_xl': 2.9, 'ud-iq1_s': 1.7 };
/** The file that most people fetch. */
const USUAL_GGUF = 'q4_k_m';
const FOLDER_FORMATS: Offer = { bf16: 16, fp8: 8, int4: 4.3 };

/** Common settings of programs that read GGUF files: llama.cpp and those built on it. Passes are its default, and what people raise it to. */
const GGUF = {
  ubatches: [512, 1024, 2048, 4096, 8192],
  kv: ['f16', 'q8_0'],
  quantizations: GGUF_FORMATS,
  reads: 'gguf',
  mapsFiles: true,
  isolates: true,
  followsFrom: () => null,
} as const;

/** Common settings of servers written in Python. */
const SERVER = {
  ubatches: [2048, 4096, 8192],
  kv: ['f16'],
  quantizations: FOLDER_FORMATS,
  reads: 'folder',
  mapsFiles: false,
  isolates: false,
  followsFrom: () => null,
} as const;

/** All runtimes. */
export const ADVISED: readonly AdvisedRuntime[] = [
  { ...GGUF, name: 'llama.cpp', profile: null, dialect: llamaCpp, ladder: byExpertLayers, drafts: fileDrafts, memory: 'llama.cpp' },
  {
    ...GGUF,
    name: 'ik_llama.cpp',
    profile: 'ik_llama.cpp',
    dialect: ikLlamaCpp,
    ladder: byExpertLayers,
    drafts: fileDraftsOfOne,
    memory: 'ik_llama.cpp',
  },
  {
    ...SERVER,
    name: 'ktransformers',
    profile: 'sglang-kt',
    dialect: ktransformers,
    followsFrom: ({ layers }) => followsFrom(mainFormat(layers[0]!.formats)),
    ladder: byShare,
    drafts: noDrafts,
    memory: SGLANG_LEAVES,
  },
  {
    ...SERVER,
    name: 'sglang',
    profile: 'sglang',
    dialect: sglangServer,
    ladder: allOnGpu,
    drafts: checkpointDrafts,
    memory: SGLANG_LEAVES,
  },
  { ...SERVER, name: 'vllm', profile: 'vllm', dialect: vllmServer, ladder: allOnGpu, drafts: checkpointDrafts, memory: VLLM_LEAVES },
  {
    ...GGUF,
    name: 'ollama',
    profile: null,
    dialect: ollama,
    isolates: false,
    ladder: byLayers,
    drafts: noDrafts,
    memory: 'llama.cpp',
    ubatches: [512, 1024, 2048],
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

/**
 * Default formats on offer: the model's own, if the runtime reads its files, then formats of fewer bits.
 * @param own the model in its own format
 * @param fixed true where its sizes are those of its files
 * @param ownBits bits a weight of that format
 */
export function usualOffer(
  { quantizations, reads }: AdvisedRuntime,
  { quantization: own }: Pick<ModelSpec, 'quantization'>,
  fixed: boolean,
  ownBits: number,
): (string | null)[] {
  // Files of models that are trained in 4 bits are no smaller in other formats: their experts stay as they are.
  if (fixed || own.startsWith('mxfp4')) return [null];
  const names = Object.keys(quantizations);
  const isRead = reads === 'folder' ? !/^i?q\d|^ud-/.test(own) : !/^(bf16|fp8)/.test(own);
  if (isRead) return [null, ...names.filter((name) => name !== own && quantizations[name]! < ownBits)];
  return reads === 'gguf' ? names.slice(names.indexOf(USUAL_GGUF)) : names;
}
