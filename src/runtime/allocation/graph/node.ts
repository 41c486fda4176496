// A ggml graph tensor, reduced to the inputs of memory: size, sources, in-place use, backend.

/** Backend of a node: GPUs by number, then the CPU. */
export type Backend = number;

type NodeKind =
  /** Computed into new memory, or in place of a source. */
  | 'op'
  /** A reshaped, permuted or cut view. */
  | 'view'
  /** Written into existing memory: a KV cache. */
  | 'store'
  /** Existing memory: a weight, or a KV cache. */
  | 'external'
  /** Filled in by the program before each pass. */
  | 'input';

/** A graph tensor with scheduler and allocator state, for a single computation. */
export class GraphNode {
  readonly kind: NodeKind;
  /** Dimensions, innermost first; bytes of a value. */
  readonly shape: Shape;
  readonly width: number;
  readonly bytes: number;
  sources: readonly GraphNode[];
  /** Node whose memory a view or a store uses; null: own memory. */
  readonly root: GraphNode | null;
  /** True: elements are not contiguous. */
  readonly strided: boolean;
  /** True: the result may replace a source. */
  readonly inPlace: boolean;
  /** Device of an external node; -1 otherwise. */
  readonly home: Backend;
  /** True for a weight; operations preferably run on its device. */
  readonly weight: boolean;
  readonly onGpu: boolean;
  /** True: the batch is large enough to fetch host weights to a GPU. */
  readonly offload: boolean;

  backend: Backend = -1;
  /** True: never freed, as several passes overlap. */
  kept = false;
  /** True: only a dependency, which keeps the source until the node. */
  dependency = false;
  children = 0;
  views = 0;
  offset = 0;
  allocated = false;

  constructor(kind: NodeKind, shape: Shape, width: number, sources: readonly GraphNode[], rest: NodeOptions = {}) {
    const { bytes, home = -1, inPlace = false, offload = false, onGpu = true, root = null, strided = false, weight = false } = rest;
    this.kind = kind;
    this.shape = shape;
    this.width = width;
    this.bytes = bytes ?? elements(shape) * width;
    this.sources = sources;
    this.root = root;
    this.strided = strided;
    this.inPlace = inPlace;
    this.home = home;
    this.weight = weight;
    this.onGpu = onGpu;
    this.offload = offload;
  }

  fits(other: GraphNode): boolean {
    if (this.strided || other.strided || this.width !== other.width) return false;
    const [mine, others] = [this.shape, other.shape];
    for (let i = Math.max(mine.length, others.length) - 1; i >= 0; i--) if ((mine[i] ?? 1) !== (others[i] ?? 1)) return false;
    return true;
  }
}

type NodeOptions = Partial<Pick<GraphNode, 'bytes' | 'root' | 'strided' | 'inPlace' | 'home' | 'weight' | 'onGpu' | 'offload'>>;

type Shape = readonly number[];

/** Bytes of an element. */
export const F32 = 4;
export const F16 = 2;
const I32 = 4;

type OpOptions = Partial<Pick<GraphNode, 'width' | 'inPlace' | 'onGpu' | 'offload' | 'bytes'>>;

/** Least batch tokens worth fetching weights for (`min_batch_size` of ggml's CUDA backend). */
export const OFFLOAD_TOKENS = 32;

function elements(shape: Shape): number {
  let product = 1;
  for (const extent of shape) product *= extent;
  return product;
}

/** A graph in compute order: {@link expand} adds missing nodes, sources first. */
export class ComputeGraph {
  readonly nodes: GraphNode[] = [];
  readonly leafs: GraphNode[] = [];
  /** Operations fused on a GPU: sources of `nodes` are read until `until` is written. */
  readonly fusions: { readonly nodes: readonly GraphNode[]; readonly until: GraphNode }[] = [];
  readonly #seen = new Set<GraphNode>();

  expand(node: GraphNode): void {
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    for (const source of node.sources) this.expand(source);
    (node.kind === 'external' || node.kind === 'input' ? this.leafs : this.nodes).push(node);
  }
}

/** A weight on a device; `onGpu`: the format has GPU kernels. */
export function weight(bytes: number, home: Backend, onGpu: boolean): GraphNode {
  return new GraphNode('external', [], 0, [], { bytes, strided: true, home, weight: true, onGpu });
}

/** KV cache of a layer. */
export const cache = (home: Backend): GraphNode => new GraphNode('external', [], 0, [], { strided: true, home });

/** An input, 32-bit by default. */
export const input = (shape: Shape, width = I32): GraphNode => new GraphNode('input', shape, width, []);

/** A result, f32 by default. */
export function op(shape: Shape, sources: readonly GraphNode[], options: OpOptions = {}): GraphNode {
  const { width = F32, ...others } = options;
  return new GraphNode('op', shape, width, sources, { offload: (shape[1] ?? 1) >= OFFLOAD_TOKENS, ...others });
}

/** A result in place of a source, if no further node needs the source. */
export function inPlace(shape: Shape, sources: readonly GraphNode[]): GraphNode {
  return op(shape, sources, { inPlace: true });
}

/** A matrix product with `rows` results per token. */
export function product(rows: number, tokens: number, matrix: GraphNode, by: GraphNode): GraphNode {
  return op([rows, tokens], [matrix, by], { onGpu: matrix.onGpu });
}

/** The same memory in a new shape; without a shape: permuted. */
export function view(of: GraphNode, shape: Shape | null = null): GraphNode {
  const root = of.root ?? of;
  if (shape === null) return new GraphNode('view', of.shape, of.width, [of], { bytes: of.bytes, root, strided: true });
  return new GraphNode('view', shape, F32, [of], { root });
}

/** A part of memory, with gaps. */
export function part(of: GraphNode, shape: Shape, width = F32): GraphNode {
  return new GraphNode('view', shape, width, [of], { root: of.root ?? of, strided: true });
}

/** Writes into a cache. */
export function store(what: GraphNode, into: GraphNode): GraphNode {
  return new GraphNode('store', what.shape, what.width, [what, part(into, [])], { root: into.root ?? into, strided: true });
}
