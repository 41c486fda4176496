// A tensor of a compute graph of ggml, reduced to what decides memory: its size, its sources, whether it may replace one of them, and its backend.

/** Backend of a node: a GPU by its number; the CPU comes last, after all GPUs. */
export type Backend = number;

type NodeKind =
  /** Something is computed into memory of its own, or instead of a source. */
  | 'op'
  /** A view: reshaped, permuted or cut, without memory of its own. */
  | 'view'
  /** Written into memory that is there already: a KV cache. */
  | 'store'
  /** Memory that is there already: a weight, or a KV cache. */
  | 'external'
  /** An input that the program fills in before each pass. */
  | 'input';

/** A tensor of a graph. The state of the scheduler and the allocator is kept here too: graphs are built for one question only. */
export class GraphNode {
  readonly kind: NodeKind;
  /** Dimensions, innermost first, and bytes of a value. */
  readonly shape: Shape;
  readonly width: number;
  readonly bytes: number;
  sources: readonly GraphNode[];
  /** The node whose memory a view or a store uses; null: it has memory of its own. */
  readonly root: GraphNode | null;
  /** Its elements are not contiguous in memory. */
  readonly strided: boolean;
  /** The result may take the place of a source. */
  readonly inPlace: boolean;
  /** Device of an external one; -1 for others. */
  readonly home: Backend;
  /** External, and a weight: an operation on it preferably runs on its device. */
  readonly weight: boolean;
  readonly onGpu: boolean;
  /** Batch is large enough for a GPU to fetch weights from host memory for it. */
  readonly offload: boolean;

  /** The backend that computes it; -1: not assigned yet. */
  backend: Backend = -1;
  /** A copy that is never freed, since several passes are under way at once. */
  kept = false;
  /** Only a dependency: its source is kept until here. */
  dependency = false;
  /** State of the allocator: nodes and views that still need it, its offset, and whether it is allocated. */
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

  /** True if both have the same type, shape and strides. */
  fits(other: GraphNode): boolean {
    if (this.strided || other.strided || this.width !== other.width) return false;
    const [mine, others] = [this.shape, other.shape];
    for (let i = Math.max(mine.length, others.length) - 1; i >= 0; i--) if ((mine[i] ?? 1) !== (others[i] ?? 1)) return false;
    return true;
  }
}

/** Options of a node; `bytes` absent: those of the shape. */
type NodeOptions = Partial<Pick<GraphNode, 'bytes' | 'root' | 'strided' | 'inPlace' | 'home' | 'weight' | 'onGpu' | 'offload'>>;

/** Dimensions of a tensor, innermost first. */
type Shape = readonly number[];

/** Bytes of one element. */
export const F32 = 4;
export const F16 = 2;
const I32 = 4;

type OpOptions = Partial<Pick<GraphNode, 'width' | 'inPlace' | 'onGpu' | 'offload' | 'bytes'>>;

/** A batch that is worth fetching weights for, in tokens (`min_batch_size` of ggml's CUDA backend). */
export const OFFLOAD_TOKENS = 32;

function elements(shape: Shape): number {
  let product = 1;
  for (const extent of shape) product *= extent;
  return product;
}

/** A graph in the order in which it is computed: {@link expand} adds what is not there yet, sources first. */
export class ComputeGraph {
  readonly nodes: GraphNode[] = [];
  readonly leafs: GraphNode[] = [];
  /** Operations that a GPU computes as one: it reads the sources of `nodes` until it has written `until`. */
  readonly fusions: { readonly nodes: readonly GraphNode[]; readonly until: GraphNode }[] = [];
  readonly #seen = new Set<GraphNode>();

  expand(node: GraphNode): void {
    if (this.#seen.has(node)) return;
    this.#seen.add(node);
    for (const source of node.sources) this.expand(source);
    (node.kind === 'external' || node.kind === 'input' ? this.leafs : this.nodes).push(node);
  }
}

/** A weight on a device; `onGpu`: its format has GPU kernels. */
export function weight(bytes: number, home: Backend, onGpu: boolean): GraphNode {
  return new GraphNode('external', [], 0, [], { bytes, strided: true, home, weight: true, onGpu });
}

/** The KV cache of a layer. */
export const cache = (home: Backend): GraphNode => new GraphNode('external', [], 0, [], { strided: true, home });

/** An input that the program fills in; 32-bit by default. */
export const input = (shape: Shape, width = I32): GraphNode => new GraphNode('input', shape, width, []);

/** A result of this shape, f32 by default. */
export function op(shape: Shape, sources: readonly GraphNode[], options: OpOptions = {}): GraphNode {
  const { width = F32, ...others } = options;
  return new GraphNode('op', shape, width, sources, { offload: (shape[1] ?? 1) >= OFFLOAD_TOKENS, ...others });
}

/** A result that takes the place of a source, if no other node needs the source. */
export function inPlace(shape: Shape, sources: readonly GraphNode[]): GraphNode {
  return op(shape, sources, { inPlace: true });
}

/** A matrix product with `rows` results for each of `tokens`. */
export function product(rows: number, tokens: number, matrix: GraphNode, by: GraphNode): GraphNode {
  return op([rows, tokens], [matrix, by], { onGpu: matrix.onGpu });
}

/** The same memory in another shape; without a shape: permuted. */
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
