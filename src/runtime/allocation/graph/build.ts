import { groupedAttention, type LayerInputs, latentAttention } from './attention.js';
import { cacheStreams, cellsIn } from './kv.js';
import { F16, F32, type GraphNode, inPlace, input, op, product } from './node.js';
import { ffn, norm, routedExperts, rowsOf } from './parts.js';
import type { Scene } from './scene.js';

/** Rows of a mask are a multiple (`GGML_KQ_MASK_PAD`). */
const MASK_ROWS = 64;

/** Most values of a head rotated together. */
const ROTATED = 128;

/** A full ubatch at the end of a full context, with all logits. */
export function buildGraph(scene: Scene, layers: readonly number[]): void {
  const { anatomy, graph, hidden, tokens } = scene;
  let shape = [hidden, tokens];
  // Alternative input of embeddings, always allocated.
  if (scene.plan.rules.takesEmbeddings) graph.expand(input(shape));
  let state = op(shape, [scene.weight('token_embd.weight', null), input([tokens])], { onGpu: false });
  const inputs = inputsOf(scene);
  for (const layer of layers) {
    const memory = anatomy.layers[layer]!;
    const weight = (name: string): GraphNode => scene.weight(`blk.${layer}.${name}.weight`, layer);
    let before = state;
    const normed = norm(scene, state, shape, weight('attn_norm'), layer);
    if (memory.kind === 'none') {
      state = inPlace(shape, [feedForward(scene, normed, layer) ?? normed, state]);
      continue;
    }
    let mixed: GraphNode;
    if (memory.kind === 'heads') mixed = groupedAttention(scene, normed, layer, memory, inputs);
    else if (memory.kind === 'latent') mixed = latentAttention(scene, normed, layer, memory, inputs);
    else mixed = product(hidden, tokens, weight('ssm_mixer'), normed);
    if (layer === anatomy.layers.length - 1) {
      scene.tokens = Math.min(tokens, scene.plan.outputs ?? tokens);
      shape = [hidden, scene.tokens];
      const ids = input([scene.tokens]);
      mixed = rowsOf(mixed, shape, ids);
      before = rowsOf(before, shape, ids);
    }
    const attended = inPlace(shape, [mixed, before]);
    const fed = feedForward(scene, norm(scene, attended, shape, weight('ffn_norm'), layer), layer);
    state = fed === null ? attended : inPlace(shape, [fed, attended]);
  }
  const last = norm(scene, state, shape, scene.weight('output_norm.weight', null), null);
  const name = scene.has('output.weight') ? 'output.weight' : 'output.tied';
  graph.expand(product(anatomy.vocab, scene.tokens, scene.weight(name, null), last));
}

function inputsOf({ anatomy, cells, plan, tokens }: Scene): LayerInputs {
  const rows = Math.ceil(tokens / MASK_ROWS) * MASK_ROWS;
  const streams = cacheStreams(plan);
  const maskOf = (cells: number): GraphNode => {
    const columns = cells / streams;
    if (plan.rules.halfMasks) return input([columns, tokens], plan.flashAttention ? F16 : F32);
    const mask = input([columns, rows]);
    return plan.flashAttention ? op([columns, rows], [mask], { width: F16 }) : mask;
  };
  const window = anatomy.layers.find((layer) => layer.kind === 'heads' && layer.window !== null);
  const few = window?.kind === 'heads' ? cellsIn(window.window, plan) : cells;
  const turns = plan.rules.graphOf2026 && [plan.kv.k, plan.kv.v].every((type) => !/f(16|32)$/.test(type));
  const rotation = turns ? input([ROTATED, ROTATED]) : null;
  return { positions: input([tokens]), mask: maskOf(cells), windowMask: maskOf(few), rotation };
}

function feedForward(scene: Scene, of: GraphNode, layer: number): GraphNode | null {
  const { anatomy, hidden, tokens } = scene;
  const has = (name: string): boolean => scene.has(`blk.${layer}.${name}.weight`);
  if (!has('ffn_up_exps')) return has('ffn_up') ? ffn(scene, of, layer, anatomy.denseWidth) : null;
  const routed = routedExperts(scene, of, layer);
  if (!has('ffn_up_shexp')) return routed;
  return inPlace([hidden, tokens], [routed, ffn(scene, of, layer, anatomy.sharedWidth, '_shexp')]);
}

/** Layers of a kind in a graph: later layers reuse the first's memory. */
const ALIKE = 2;

interface Distinct {
  readonly layers: readonly number[];
  /** Equal keys mean equal graphs. */
  readonly key: string;
}

/** Finds the layers that a graph needs. */
export function distinctLayers({ anatomy, placement, plan }: Scene): Distinct {
  const all = anatomy.layers.map((_, layer) => layer);
  const places = all.map((layer): string[] => [placement.layers[layer]!]);
  const kinds = anatomy.layers.map((memory): (string | number)[] => [Object.values(memory).join()]);
  const outside: string[] = [];
  for (const [index, { bytes, layer, name }] of anatomy.tensors.entries()) {
    const device = placement.tensors[index]!;
    if (layer === null) {
      outside.push(device);
      continue;
    }
    places[layer]!.push(device);
    kinds[layer]!.push(device === 'cpu' ? bytes : name.length);
  }
  const place = places.map((devices) => devices.join());
  let seen = new Map<string, number>();
  // Pipeline copies are never freed: each layer adds copies.
  const whole = (plan.pipelineCopies ?? 1) > 1;
  const layers = all.filter((layer) => {
    if (place[layer - 1] !== place[layer]) seen = new Map();
    const kind = kinds[layer]!.join();
    const before = seen.get(kind) ?? 0;
    seen.set(kind, before + 1);
    return whole || before < ALIKE || place[layer + 1] !== place[layer];
  });
  return { layers, key: [outside.join(), ...layers.map((layer) => `${place[layer]} ${kinds[layer]!.join()}`)].join('|') };
}
