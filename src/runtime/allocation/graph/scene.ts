import { remembered } from '../../../base/objects.js';
import type { Anatomy, ModelSpec } from '../../../model/door.js';
import { cellsOf } from './kv.js';
import type { DeviceName, LoadPlan } from './load-plan.js';
import { type Backend, ComputeGraph, type GraphNode, OFFLOAD_TOKENS, op, weight as weightNode } from './node.js';
import type { Placement } from './placement.js';

/** For graph builders: weights by name with devices, and operation sizes. */
export class Scene {
  readonly graph = new ComputeGraph();
  /** Tokens of an operation: the whole pass, or after the last layer's row selection the tokens with logits. */
  tokens: number;
  readonly cells: number;
  readonly hidden: number;
  /** Count, top-k and width are maxima. */
  readonly routed: { readonly count: number; readonly topK: number; readonly width: number };
  readonly cpu: Backend;
  readonly #weights: ReadonlyMap<string, { readonly bytes: number; readonly device: DeviceName; readonly format: string }>;
  readonly #made = new Map<string, GraphNode>();

  readonly anatomy: Anatomy;
  readonly plan: LoadPlan;
  readonly placement: Placement;

  constructor(model: ModelSpec, anatomy: Anatomy, plan: LoadPlan, placement: Placement) {
    this.anatomy = anatomy;
    this.plan = plan;
    this.placement = placement;
    this.cells = cellsOf(plan);
    this.tokens = Math.min(this.cells, plan.ubatch, plan.batch);
    this.hidden = model.hidden;
    const most = (of: (layer: ModelSpec['layers'][number]) => number): number => Math.max(...model.layers.map(of));
    this.routed = { count: most(({ experts }) => experts), topK: most(({ topK }) => topK), width: anatomy.expertWidth };
    this.cpu = plan.gpus;
    this.#weights = new Map(
      anatomy.tensors.map(({ bytes, format, name }, index) => [name, { bytes, format, device: placement.tensors[index]! }]),
    );
  }

  backend(device: DeviceName): Backend {
    return device === 'cpu' ? this.cpu : Number(device.slice(3));
  }

  has(name: string): boolean {
    return this.#weights.has(name);
  }

  /** Weight by name; a missing weight lies with the layer and has no bytes. */
  weight(name: string, layer: number | null): GraphNode {
    return remembered(this.#made, name, () => {
      const known = this.#weights.get(name);
      const device = known?.device ?? (layer === null ? this.placement.output : this.placement.layers[layer]!);
      return weightNode(known?.bytes ?? 0, this.backend(device), device !== 'cpu' || this.#fetchable(known?.format ?? 'f32'));
    });
  }

  /** True if a GPU can compute with a fetched host weight of the format. */
  #fetchable(format: string): boolean {
    const repacked = this.plan.repack === true && format !== 'f32';
    if (repacked && !this.plan.rules.fetchesRepacked) return false;
    const rows = repacked && !/_r\d+$/.test(format) ? `${format}_r4` : format;
    return !/_r\d+$/.test(rows) || /^iq([2-5]_k|[45]_ks|1_[sm])_r4$/.test(rows);
  }

  /** Puts a norm on its layer's backend, as llama.cpp does with all layers on GPUs. */
  atLayer(node: GraphNode, layer: number): void {
    if (this.plan.gpuLayers > this.anatomy.layers.length + this.anatomy.nextLayers)
      node.backend = this.backend(this.placement.layers[layer]!);
  }

  byExpert(shape: readonly number[], matrix: GraphNode, sources: readonly GraphNode[]): GraphNode {
    const { count, topK } = this.routed;
    const enough = this.plan.rules.offloadsByExpert ? this.tokens * topK >= OFFLOAD_TOKENS * count : this.tokens >= OFFLOAD_TOKENS;
    return op(shape, [matrix, ...sources], { onGpu: matrix.onGpu, offload: enough });
  }
}
