import type { ContextMemory } from '../../../model/door.js';
import { cacheStreams, cellsIn, valueBytes } from './kv.js';
import { type Backend, cache, F16, F32, type GraphNode, inPlace, op, part, product, store, view } from './node.js';
import { norm } from './parts.js';
import type { Scene } from './scene.js';

type Heads = ContextMemory & { kind: 'heads' };
type Latent = ContextMemory & { kind: 'latent' };

/** Least tokens of a prompt pass in ik_llama.cpp. */
const PROMPT = 128;

/** Inputs shared by all layers. */
export interface LayerInputs {
  readonly positions: GraphNode;
  /** Mask, in the type that attention needs. */
  readonly mask: GraphNode;
  readonly windowMask: GraphNode;
  /** Rotation of queries, keys and values for low-bit storage; null: none. */
  readonly rotation: GraphNode | null;
}

/** Grouped attention: queries, keys and values, cache, output projection. */
export function groupedAttention(scene: Scene, of: GraphNode, layer: number, memory: Heads, inputs: LayerInputs): GraphNode {
  const { hidden, plan, tokens } = scene;
  const { heads, keyDim, kvHeads, valueDim } = memory;
  const project = (name: string, count: number, width: number): GraphNode => {
    let node = product(count * width, tokens, scene.weight(`blk.${layer}.attn_${name}.weight`, layer), of);
    if (scene.has(`blk.${layer}.attn_qkv.bias`) || scene.has(`blk.${layer}.attn_${name}.bias`)) {
      node = inPlace([count * width, tokens], [node, scene.weight(`blk.${layer}.attn_${name}.bias`, layer)]);
    }
    return node;
  };
  const turned = (flat: GraphNode, count: number): GraphNode => {
    const shape = [keyDim, count, tokens];
    let node = view(flat, shape);
    if (scene.has(`blk.${layer}.attn_qk_norm.weight`) || scene.has(`blk.${layer}.attn_q_norm.weight`)) {
      node = norm(scene, node, shape, scene.weight(`blk.${layer}.attn_q_norm.weight`, layer), layer);
    }
    return inPlace(shape, [node, inputs.positions]);
  };
  const [q, k, v] = [project('q', heads, keyDim), project('k', kvHeads, keyDim), project('v', kvHeads, valueDim)];
  const rotated = (of: GraphNode, count: number, width: number): GraphNode => {
    if (inputs.rotation === null) return of;
    const flat = [width, count * tokens];
    return view(op(flat, [inputs.rotation, view(of, flat)]), [width, count, tokens]);
  };
  const [queries, keys] = [rotated(turned(q, heads), heads, keyDim), rotated(turned(k, kvHeads), kvHeads, keyDim)];
  const values = rotated(v, kvHeads, valueDim);
  const caches = { k: cache(kvHome(scene, layer)), v: cache(kvHome(scene, layer)) };
  const order = plan.rules.graphOf2026 ? [queries, values, keys] : [queries, keys, values];
  for (const node of [...order, store(keys, caches.k), store(values, caches.v)]) scene.graph.expand(node);
  const cells = cellsIn(memory.window, plan);
  const mask = memory.window === null || !plan.rules.keepsWindows ? inputs.mask : inputs.windowMask;
  const attended = attend(scene, {
    queries: view(queries),
    keys: part(caches.k, [keyDim, cells, kvHeads], valueBytes(plan.kv.k)),
    values: part(caches.v, [valueDim, cells, kvHeads], valueBytes(plan.kv.v)),
    mask,
    cells,
    heads,
    valueDim,
    copied: copiedBytes(scene, layer, cells * kvHeads * keyDim, cells * kvHeads * valueDim),
  });
  if (plan.kvOnCpu === true) (attended.root ?? attended).backend = scene.cpu;
  const out = view(rotated(attended, heads, valueDim), [valueDim * heads, tokens]);
  scene.graph.expand(out);
  const projected = product(hidden, tokens, scene.weight(`blk.${layer}.attn_output.weight`, layer), out);
  const bias = `blk.${layer}.attn_output.bias`;
  return scene.has(bias) ? inPlace([hidden, tokens], [projected, scene.weight(bias, layer)]) : projected;
}

function kvHome(scene: Scene, layer: number): number {
  return scene.backend(scene.plan.kvOnCpu === true ? 'cpu' : scene.placement.layers[layer]!);
}

interface Attending {
  readonly queries: GraphNode;
  readonly keys: GraphNode;
  readonly values: GraphNode;
  readonly mask: GraphNode;
  readonly cells: number;
  readonly heads: number;
  readonly valueDim: number;
  /** Bytes of key and value copies after the result of flash attention. */
  readonly copied: number;
}

/** Bytes of f16 copies of keys and values on a GPU, for flash attention over a non-f16 cache. */
function copiedBytes(scene: Scene, layer: number, keys: number, values: number): number {
  const { kv, rules } = scene.plan;
  if (!rules.graphOf2026 || kvHome(scene, layer) === scene.cpu) return 0;
  return F16 * ((kv.k === 'f16' ? 0 : keys) + (kv.v === 'f16' ? 0 : values));
}

/** Scores, softmax and sum of values; a single operation with flash attention. */
function attend({ plan, tokens }: Scene, { cells, copied, heads, keys, mask, queries, valueDim, values }: Attending): GraphNode {
  const flat = [valueDim * heads, tokens];
  if (plan.flashAttention) return view(flashed([valueDim, heads, tokens], [queries, keys, values, mask], copied), flat);
  const each = cells / cacheStreams(plan);
  const scores = inPlace([each, tokens, heads], [op([each, tokens, heads], [keys, queries]), mask]);
  const mixed = op([valueDim, tokens, heads], [values, scores]);
  return op(flat, [part(mixed, [valueDim, heads, tokens])]);
}

function flashed(shape: readonly [number, number, number], sources: readonly GraphNode[], copied: number): GraphNode {
  return op(shape, sources, { bytes: shape[0] * shape[1] * shape[2] * F32 + copied });
}

/** Latent attention. */
export function latentAttention(scene: Scene, of: GraphNode, layer: number, memory: Latent, inputs: LayerInputs): GraphNode {
  const { graph, hidden, plan, tokens } = scene;
  const { heads, latent, nope, rope, value } = memory;
  const weight = (name: string): GraphNode => scene.weight(`blk.${layer}.${name}.weight`, layer);
  let q = of;
  if (scene.has(`blk.${layer}.attn_q_a.weight`)) {
    const rank = memory.queryRank;
    q = norm(scene, product(rank, tokens, weight('attn_q_a'), of), [rank, tokens], weight('attn_q_a_norm'), layer);
    q = product(heads * (nope + rope), tokens, weight('attn_q_b'), q);
  } else q = product(heads * (nope + rope), tokens, weight('attn_q'), of);
  const queries = {
    nope: part(q, [nope, heads, tokens]),
    rope: inPlace([rope, heads, tokens], [part(q, [rope, heads, tokens]), inputs.positions]),
  };
  const joint = product(latent + rope, tokens, weight('attn_kv_a_mqa'), of);
  const keyRope = inPlace([rope, 1, tokens], [part(joint, [rope, 1, tokens]), inputs.positions]);
  const compressed = norm(scene, part(joint, [latent, tokens]), [latent, tokens], weight('attn_kv_a_norm'), layer);
  const home = kvHome(scene, layer);
  const parts = { layer, memory, inputs, queries };
  const { latentVariants } = plan.rules;
  let out: GraphNode;
  if (latentVariants && plan.mla === 0) out = unpackedHeads(scene, parts, keyRope, compressed, home);
  else {
    const latents = cache(home);
    if (latentVariants && plan.mla === 1 && !plan.flashAttention) graph.expand(store(view(compressed), cache(home)));
    graph.expand(store(op([latent + rope, tokens], [compressed, view(keyRope)]), latents));
    const unpacks = latentVariants && plan.mla > 1 && plan.flashAttention && tokens >= PROMPT;
    out = unpacks ? unpackedPrompt(scene, parts, latents) : absorbed(scene, parts, latents);
    graph.expand(out);
  }
  return product(hidden, tokens, weight('attn_output'), view(out, [value * heads, tokens]));
}

interface Queries {
  readonly nope: GraphNode;
  readonly rope: GraphNode;
}

interface LatentLayer {
  readonly layer: number;
  readonly memory: Latent;
  readonly inputs: LayerInputs;
  readonly queries: Queries;
}

/** -mla 0: keys and values of all heads in the cache. */
function unpackedHeads(scene: Scene, of: LatentLayer, keyRope: GraphNode, compressed: GraphNode, home: Backend): GraphNode {
  const { graph, tokens } = scene;
  const { inputs, layer, queries } = of;
  const { heads, nope, rope, value } = of.memory;
  const kv = product(heads * (nope + value), tokens, scene.weight(`blk.${layer}.attn_kv_b.weight`, layer), compressed);
  const values = op([value, heads, tokens], [part(kv, [value, heads, tokens])]);
  const q = op([nope + rope, heads, tokens], [queries.nope, queries.rope]);
  const repeated = op([rope, heads, tokens], [keyRope]);
  const keys = op([nope + rope, heads, tokens], [part(kv, [nope, heads, tokens]), repeated]);
  const caches = { k: cache(home), v: cache(home) };
  const flat = view(values, [value * heads, tokens]);
  for (const node of [q, keys, flat, store(keys, caches.k), store(flat, caches.v)]) graph.expand(node);
  const out = attend(scene, {
    queries: view(q),
    keys: part(caches.k, [nope + rope, scene.cells, heads], valueBytes(scene.plan.kv.k)),
    values: part(caches.v, [value, scene.cells, heads], valueBytes(scene.plan.kv.v)),
    mask: inputs.mask,
    cells: scene.cells,
    heads,
    valueDim: value,
    copied: 0,
  });
  graph.expand(out);
  return out;
}

/**
 * -mla 2 and 3 with flash attention, for prompts: keys and values are unpacked for as many heads at a time as -amb
 * allows.
 */
function unpackedPrompt(scene: Scene, { inputs, layer, memory, queries }: LatentLayer, latents: GraphNode): GraphNode {
  const { cells, graph, plan, tokens } = scene;
  const { heads, nope, rope, value } = memory;
  const typed = plan.gpus === 0 ? valueBytes(plan.kv.k) : F16;
  const each = headsAtOnce(heads, heads * (nope + value) * cells * F32, plan.attnMaxBatch);
  const stored = valueBytes(plan.kv.k);
  const ropes = part(latents, [rope, cells, 1], stored);
  const keyRopes = op([rope, cells, each], [plan.kv.k === 'f16' ? ropes : op([rope, cells, 1], [ropes], { width: F16 })], { width: typed });
  const q = view(op([nope + rope, heads, tokens], [queries.nope, queries.rope]));
  graph.expand(q);
  let out: GraphNode | null = null;
  for (let from = 0; from < heads; from += each) {
    const matrix = view(scene.weight(`blk.${layer}.attn_kv_b.weight`, layer));
    const unpacked = op([each * (nope + value), cells], [matrix, part(latents, [memory.latent, cells], stored)]);
    const values = op([value, cells, each], [part(unpacked, [value, cells, each])], { width: typed });
    const bare = op([nope, cells, each], [part(unpacked, [nope, cells, each])], { width: typed });
    graph.expand(bare);
    graph.expand(values);
    const keys = op([nope + rope, cells, each], [bare, keyRopes], { width: typed });
    graph.expand(keys);
    const mixed = view(op([value, each, tokens], [part(q, []), keys, values, inputs.mask]), [value * each, tokens]);
    out = out === null ? mixed : op([value * (from + each), tokens], [out, mixed]);
  }
  return out!;
}

/** Heads at a time: halved until a part is within the limit, in whole MiB. */
function headsAtOnce(heads: number, bytes: number, limit: number | undefined): number {
  if (limit === undefined) return heads;
  const most = Math.floor(limit / 2 ** 20);
  let [each, size] = [heads, Math.floor(bytes / 2 ** 20)];
  while (each % 2 === 0 && size > most) [each, size] = [each / 2, Math.floor(size / 2)];
  return each;
}

function absorbed(scene: Scene, { inputs, layer, memory, queries }: LatentLayer, latents: GraphNode): GraphNode {
  const { cells, graph, plan, tokens } = scene;
  const { latentVariants } = plan.rules;
  const { heads, latent, rope, value } = memory;
  const weight = (name: string): GraphNode => scene.weight(`blk.${layer}.${name}.weight`, layer);
  const brought = op([latent, tokens, heads], [weight('attn_k_b'), view(queries.nope)]);
  const q = op([latent + rope, tokens, heads], latentVariants ? [brought, view(queries.rope)] : [queries.rope, view(brought)]);
  const stored = valueBytes(plan.kv.k);
  const keys = part(latents, [latent + rope, cells], stored);
  const values = part(latents, [latent, cells], stored);
  const flash = plan.flashAttention && (!latentVariants || plan.mla !== 2);
  let mixed: GraphNode;
  const copied = copiedBytes(scene, layer, cells * (latent + rope), 0);
  if (flash) mixed = view(flashed([latent, heads, tokens], [view(q), keys, values, inputs.mask], copied));
  else {
    const turned = plan.mla === 1 && latentVariants ? part(latents, [cells, latent], F16) : op([cells, latent], [values], { width: F16 });
    const all = cells * tokens * heads * F32;
    const limit = plan.attnMaxBatch ?? Number.POSITIVE_INFINITY;
    const steps = Math.min(heads, Math.ceil(Math.floor(all / 2 ** 20) / Math.max(1, Math.floor(limit / 2 ** 20))));
    const each = !latentVariants || all <= limit || steps < 1 ? heads : Math.ceil(heads / steps);
    mixed = op([0], []);
    for (let from = 0; from < heads; from += each) {
      const count = Math.min(each, heads - from);
      const scores = op([cells, tokens, count], [keys, part(q, [])]);
      const product = op([latent, tokens, count], [turned, inPlace([cells, tokens, count], [scores, inputs.mask])]);
      mixed = from === 0 ? product : op([latent, tokens, from + count], [mixed, product]);
      if (each < heads) graph.expand(mixed);
    }
  }
  const out = op([value, tokens, heads], [weight('attn_v_b'), mixed]);
  return view(op([value, heads, tokens], [view(out)]));
}
