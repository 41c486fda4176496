// Memory of a setting by device: weights, KV cache and the buffers that passes compute in, beside what the machine has.
import type { HardwareSpec } from '../../hardware/spec.js';
import { expertBytesTotal, type ModelSpec } from '../../model/spec.js';
import { isCpuOnly, type KvType, type Setting } from './setting.js';

/** Memory of one device, bytes. */
export interface DeviceMemory {
  /** `GPU`, `GPU 0`, ..., `host`. */
  readonly name: string;
  /** What a model can have of it. */
  readonly has: number;
  readonly weights: number;
  readonly kv: number;
  readonly compute: number;
}

/** Bytes of a value of the KV cache over those of f16: blocks of 32 with a 16-bit scale (llama.cpp, ggml-common.h). */
const KV_SCALE: Readonly<Record<KvType, number>> = { f16: 1, q8_0: 34 / 32 / 2, q4_0: 18 / 32 / 2 };

/**
 * Kept free on each GPU beside what the machine's profile reserves (512 MiB): together 1 GiB, the margin that llama.cpp's own fitting keeps
 * (`--fit-target`).
 */
const MARGIN = 512 * 2 ** 20;

/** Free bytes of a device; below 0: so much is missing. */
export function freeOf({ compute, has, kv, weights }: DeviceMemory): number {
  return has - weights - kv - compute;
}

/** True where every device has what is asked of it. */
export function isFit(devices: readonly DeviceMemory[]): boolean {
  return devices.every((device) => freeOf(device) >= 0);
}

/** How a runtime uses memory. */
export interface MemoryRules {
  /** Share of GPU memory left for activations; null: buffers are counted one by one. */
  readonly activations: number | null;
}

/**
 * Memory of a setting. Several GPUs count as one of their memory together, whose part of buffers each of them has.
 * @param model in the setting's format
 */
export function memoryOf(model: ModelSpec, setting: Setting, hardware: HardwareSpec, rules: MemoryRules): DeviceMemory[] {
  const [first, dram] = hardware.tiers;
  const gpus = hardware.gpus?.count ?? 1;
  const shared = first!.name === 'unified';
  const all = weightsOf(model);
  const kv = kvBytes(model, setting);
  const host = hostCompute(model, setting);
  if (shared || isCpuOnly(setting)) {
    const has = shared ? first!.bytes - (isGpuThere(hardware) ? MARGIN : 0) : dram!.bytes;
    return [{ name: shared ? 'memory' : 'host', has, weights: all, kv, compute: gpuCompute(model, setting, false) + host }];
  }
  const on = onGpu(model, setting);
  const compute = rules.activations === null ? gpus * gpuCompute(model, setting, on.experts < 1) : gpus * first!.bytes * rules.activations;
  return [
    { name: gpus === 1 ? 'GPU' : `${gpus} GPUs`, has: gpus * (first!.bytes - MARGIN), weights: on.bytes, kv: kv * on.layers, compute },
    { name: 'host', has: dram!.bytes, weights: all - on.bytes, kv: kv * (1 - on.layers), compute: host },
  ];
}

/** False where the CPU stands in the GPU's place. */
function isGpuThere({ gpu }: HardwareSpec): boolean {
  return gpu.attention !== undefined;
}

function weightsOf(model: ModelSpec): number {
  return model.dense.weightBytes + expertBytesTotal(model);
}

/** Weights on the GPUs, and which share of the layers and of the experts that is. The embedding table stays in host memory. */
function onGpu(model: ModelSpec, { cpuMoe, gpuExperts, gpuLayers }: Setting): { bytes: number; layers: number; experts: number } {
  const { segments } = model.dense;
  const depth = segments.reduce((sum, { attention }) => sum + attention.length, 0);
  const below = gpuLayers === null ? 0 : depth - gpuLayers;
  let bytes = 0;
  let [passed, experts] = [0, 0];
  for (const [i, segment] of segments.entries()) {
    const { length } = segment.attention;
    const there = length === 0 ? Number(passed >= below) : Math.min(length, Math.max(0, passed + length - below)) / length;
    passed += length;
    const layer = model.layers[i];
    // The last segment ends with the output matrix, which goes to the GPU only with everything.
    if (layer === undefined) bytes += gpuLayers === null ? segment.weightBytes : 0;
    else bytes += segment.weightBytes * there;
    if (layer === undefined || i < cpuMoe || passed <= below) continue;
    const own = gpuExperts === null ? layer.experts : Math.min(gpuExperts, layer.experts);
    experts += own;
    bytes += own * layer.expertBytes;
  }
  return { bytes, layers: (depth - below) / depth, experts: experts / model.experts };
}

/** KV caches of all users. A window keeps its tokens and those of the pass, in blocks of 256 (llama.cpp). */
function kvBytes({ dense }: ModelSpec, { context, kv, ubatch, users }: Setting): number {
  const tokens = (window: number | null): number =>
    window === null ? context : Math.min(context, 256 * Math.ceil((window + ubatch) / 256));
  const one = dense.segments.flatMap(({ attention }) => attention).reduce((sum, a) => sum + a.kvBytesPerToken * tokens(a.window), 0);
  return one * KV_SCALE[kv] * users;
}

/** Bytes of a 32-bit value. */
const FLOAT = 4;

/** Entries of the vocabulary: the head multiplies a token by all of them, 2 operations a weight. */
function vocabularyOf({ dense, hidden }: ModelSpec): number {
  return (dense.segments.at(-1)?.flopsPerSequence ?? 0) / 2 / Math.max(1, hidden);
}

/**
 * Scratch of the GPU: logits of every token of a pass, or what a layer needs beside one projection of all its experts, where those are copied
 * from the host. Both as logs of llama.cpp show them: 144 MiB for 512 tokens of width 4,096 are 72 bytes a value.
 */
function gpuCompute(model: ModelSpec, { ubatch }: Setting, copies: boolean): number {
  const logits = ubatch * (vocabularyOf(model) + model.hidden) * FLOAT;
  const projection = copies ? model.layers.reduce((most, { expertBytes, experts }) => Math.max(most, (experts * expertBytes) / 3), 0) : 0;
  return Math.max(logits, projection + ubatch * model.hidden * 72);
}

/** Scratch of the host: mask and embeddings of a pass. */
function hostCompute({ hidden }: ModelSpec, { context, ubatch, users }: Setting): number {
  return ubatch * (context * users + hidden) * FLOAT;
}
