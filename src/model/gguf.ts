// Any architecture with `_exps` tensors is supported.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { basename, dirname, join } from '../base/host/paths.js';
import { listFolder } from '../base/input-file.js';
import { checkValue, type Override } from '../base/yaml.js';
import type { ContextMemory, Tensor } from './anatomy.js';
import { contextFor } from './build.js';
import { Fields, MAX_EXPERTS } from './fields.js';
import { type GgufHeader, readGgufHeader } from './gguf-header.js';
import type { GgufTensor } from './gguf-tensors.js';
import { type LayerParts, type ModelParts, NO_WEIGHTS, sumWeights, type Weights } from './parts.js';
import { scaleFormats } from './spec.js';

const SHARD = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

const overridable = z.strictObject({ name: z.string().min(1), moe: z.strictObject({ topK: z.int().positive() }) });

/** One or more files. @param overrides `name`, `moe.topK` @throws UserError if damaged or without experts */
export const measureGguf = (path: string, overrides: readonly Override[] = []): ModelParts =>
  measureHeaders(path, shardsOf(path).map(readGgufHeader), overrides);

/** @param path for messages and as default name @throws UserError as {@link measureGguf} */
export function measureHeaders(path: string, headers: readonly GgufHeader[], overrides: readonly Override[]): ModelParts {
  const tensors = headers.flatMap((header) => header.tensors);
  const hyper = hyperparameters(path, headers[0]!);
  const depth = hyper.depth('block_count') - hyper.indexOr(0, 'nextn_predict_layers');
  const byLayer = groupByLayer(tensors, depth);
  const first = byLayer.findIndex((layer) => layer.experts.length > 0);
  if (first < 0) throw new UserError(`${path}: has no expert tensors (ffn_*_exps); it is no Mixture-of-Experts model`);
  const given = { name: nameOf(path, headers[0]!), moe: { topK: hyper.most('expert_used_count') || hyper.count('expert_used_count') } };
  const { name, moe } = checkValue(given, path, overridable, overrides);

  const memories = byLayer.map(({ attention }, index) => memoryAt(hyper, index, depth, attention));
  const layers = byLayer.map((layer, index): LayerParts => {
    const context = contextFor(memories[index]!);
    const parts = { attention: weigh(layer.attention), router: weigh(layer.router), shared: weigh(layer.shared), ffn: weigh(layer.ffn) };
    if (layer.experts.length === 0) return { context, ...parts, moe: null };
    const experts = layer.experts.find(({ name }) => /_exps\.weight$/.test(name))?.shape[2] ?? hyper.count('expert_count');
    if (experts > MAX_EXPERTS || moe.topK > experts)
      throw new UserError(`${path}: layer ${index} has ${experts} experts, of which a token uses ${moe.topK}; the file is damaged`);
    const all = weigh(layer.experts);
    if (all.bytes === 0) throw new UserError(`${path}: the experts of layer ${index} have no bytes; the file is damaged`);
    const formats = scaleFormats(all.formats, 1 / experts, 1 / experts);
    const expert = { parameters: all.parameters / experts, bytes: all.bytes / experts, flops: all.flops / experts, formats };
    return { context, ...parts, moe: { experts, topK: moe.topK, expert } };
  });

  const table = tensors.filter((tensor) => tensor.name.startsWith('token_embd.'));
  const outer = tensors.filter((tensor) => !tensor.name.startsWith('blk.') && !table.includes(tensor));
  // Without an output matrix the embedding table is also the head.
  const tied = !outer.some((tensor) => tensor.name === 'output.weight');
  const trained = hyper.indexOr(0, 'context_length');
  return {
    name,
    quantization: 'gguf',
    ...(trained === 0 ? {} : { trainedContext: trained }),
    hidden: hyper.indexOr(0, 'embedding_length'),
    layers,
    head: weigh(tied ? [...outer, ...table] : outer),
    embedding: tied ? null : weigh(table),
    architecture: hyper.text('architecture')!,
    nextLayers: nextLayersOf(tensors, depth),
    anatomy: {
      vocab: table[0]?.shape[1] ?? 0,
      layers: memories,
      nextLayers: hyper.indexOr(0, 'nextn_predict_layers'),
      expertWidth: hyper.most('expert_feed_forward_length', 'feed_forward_length'),
      denseWidth: widest(byLayer.flatMap(({ ffn }) => ffn)),
      sharedWidth: widest(byLayer.flatMap(({ shared }) => shared)),
      tensors: tensors.flatMap(({ name, bytes, format }): Tensor[] => {
        const layer = /^blk\.(\d+)\./.exec(name);
        if (layer === null) return [{ name, layer: null, format, bytes }];
        return Number(layer[1]) < depth ? [{ name, layer: Number(layer[1]), format, bytes }] : [];
      }),
    },
  };
}

/** MTP layers after the last decoder layer; a file may count layers without holding them. */
function nextLayersOf(tensors: readonly GgufTensor[], depth: number): number {
  const layers = tensors.flatMap(({ name }) => /^blk\.(\d+)\./.exec(name)?.[1] ?? []).map(Number);
  return new Set(layers.filter((layer) => layer >= depth)).size;
}

function widest(tensors: readonly GgufTensor[]): number {
  const ups = tensors.filter(({ name }) => /\.ffn_up(_shexp)?\.weight$/.test(name));
  return ups.reduce((most, { shape }) => Math.max(most, shape[1] ?? 0), 0);
}

function shardsOf(path: string): string[] {
  const match = SHARD.exec(basename(path));
  if (match === null) return [path];
  const [, prefix, , total] = match;
  const present = new Set(listFolder(dirname(path)));
  const names = Array.from({ length: Number(total) }, (_, i) => `${prefix}-${String(i + 1).padStart(5, '0')}-of-${total}.gguf`);
  const missing = names.filter((name) => !present.has(name));
  if (missing.length > 0) throw new UserError(`${path}: ${missing.length} of its ${names.length} parts are missing, e.g. ${missing[0]}`);
  return names.map((name) => join(dirname(path), name));
}

function hyperparameters(path: string, { metadata }: GgufHeader): Fields {
  const architecture = metadata['general.architecture'];
  if (typeof architecture !== 'string') throw new UserError(`${path}: general.architecture: is missing; the file holds no model`);
  if (!/^[\w.-]{1,60}$/.test(architecture)) throw new UserError(`${path}: general.architecture: is no name; the file is damaged`);
  const prefix = `${architecture}.`;
  const entries = Object.entries(metadata).filter(([key]) => key.startsWith(prefix));
  return new Fields(`${path}: ${architecture}`, {
    architecture,
    ...Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value])),
  });
}

function nameOf(path: string, { metadata }: GgufHeader): string {
  const text = metadata['general.name'];
  // Messages and reports are line-based, so a name has no control characters.
  const name =
    typeof text === 'string'
      ? text
          .replace(/\p{Cc}+/gu, ' ')
          .trim()
          .slice(0, 100)
      : '';
  return name !== ''
    ? name
    : basename(path)
        .replace(SHARD, '$1')
        .replace(/\.gguf$/i, '');
}

type LayerTensors = Record<'experts' | 'shared' | 'router' | 'ffn' | 'attention', GgufTensor[]>;

function groupByLayer(tensors: readonly GgufTensor[], depth: number): LayerTensors[] {
  const layers = Array.from({ length: depth }, (): LayerTensors => ({ experts: [], shared: [], router: [], ffn: [], attention: [] }));
  for (const tensor of tensors) {
    const match = /^blk\.(\d+)\.(.+)$/.exec(tensor.name);
    const layer = match === null ? undefined : layers[Number(match[1])];
    if (match !== null && layer !== undefined) layer[partOf(match[2]!)].push(tensor);
  }
  return layers;
}

function partOf(name: string): keyof LayerTensors {
  // Before March 2024, files had a tensor per expert (`ffn_up.3.weight`).
  if (/_exps\b|_exps_b\b|^ffn_(gate|up|down)\.\d+\./.test(name)) return 'experts';
  if (/^ffn_(gate_inp|gate_tid2eid)\.|^exp_probs_b/.test(name)) return 'router';
  if (/shexp|^ffn_.*chexp/.test(name)) return 'shared';
  return name.startsWith('ffn_') && !name.includes('norm') ? 'ffn' : 'attention';
}

const weigh = (tensors: readonly GgufTensor[]): Weights =>
  tensors.length === 0
    ? NO_WEIGHTS
    : sumWeights(
        tensors.map(({ name, shape, elements, bytes, format }) => ({
          parameters: elements,
          bytes,
          formats: [{ format, weights: elements, bytes }],
          flops: shape.length > 1 && name.endsWith('.weight') ? 2 * elements : 0,
        })),
      );

function memoryAt(hyper: Fields, layer: number, depth: number, tensors: readonly GgufTensor[]): ContextMemory {
  const has = (pattern: RegExp): boolean => tensors.some((tensor) => pattern.test(tensor.name));
  if (tensors.every(({ name }) => /_norm\./.test(name))) return { kind: 'none' };
  const heads = hyper.perLayer(depth, 'attention.head_count')[layer]!;
  if (has(/\.attn_kv_a_mqa\./)) {
    const [latent, rope] = [hyper.count('attention.kv_lora_rank'), hyper.count('rope.dimension_count')];
    // Files for absorbed attention have latent widths in key_length and value_length, head widths in *_mla.
    const key = hyper.countOr(hyper.countOr(latent + rope, 'attention.key_length'), 'attention.key_length_mla');
    const value = hyper.countOr(hyper.countOr(latent, 'attention.value_length'), 'attention.value_length_mla');
    return { kind: 'latent', heads, queryRank: hyper.indexOr(0, 'attention.q_lora_rank'), latent, rope, nope: key - rope, value };
  }
  const kvHeads = hyper.has('attention.head_count_kv') ? hyper.perLayer(depth, 'attention.head_count_kv')[layer]! : heads;
  // Linear attention also has attn_qkv, but with state-space tensors.
  if (!has(/\.attn_(k|qkv)\./) || has(/\.ssm_/) || kvHeads === 0) return { kind: 'state', bytes: stateBytes(hyper) };
  const keyDim = hyper.countOr(Math.floor(hyper.count('embedding_length') / heads), 'attention.key_length');
  const valueDim = hyper.countOr(keyDim, 'attention.value_length');
  return { kind: 'heads', heads, kvHeads, keyDim, valueDim, window: windowAt(hyper, layer) };
}

/** State of a state-space layer as in llama.cpp: last convolution inputs and state, in f32. */
function stateBytes(hyper: Fields): number | null {
  const inner = hyper.indexOr(0, 'ssm.inner_size');
  const state = hyper.indexOr(0, 'ssm.state_size');
  const groups = hyper.indexOr(0, 'ssm.group_count');
  const kernel = hyper.indexOr(0, 'ssm.conv_kernel');
  return inner === 0 ? null : 4 * (Math.max(0, kernel - 1) * (inner + 2 * groups * state) + state * inner);
}

/**
 * Sliding window of a layer, by `attention.sliding_window_pattern` (flags or a period), or as in llama.cpp: every
 * second layer of gpt-oss, three of four of Llama 4 (chunks of 8192).
 */
function windowAt(hyper: Fields, layer: number): number | null {
  const llama4 = hyper.says('architecture', 'llama4');
  const size = hyper.indexOr(llama4 ? 8192 : 0, 'attention.sliding_window');
  if (size === 0) return null;
  const flags = hyper.flags('attention.sliding_window_pattern');
  if (flags !== null) return flags[layer % flags.length] === true ? size : null;
  const period = hyper.indexOr(llama4 ? 4 : hyper.says('architecture', 'gpt-oss') ? 2 : 1, 'attention.sliding_window_pattern');
  return period === 0 || layer % period < period - 1 ? size : null;
}
