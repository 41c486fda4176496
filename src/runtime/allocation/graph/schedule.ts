// ggml's backend scheduler (ggml-backend.c): assigns backends and splits the graph. Passes are numbered as in ggml.
import type { PlacedGraph } from './allocator.js';
import { type Backend, type ComputeGraph, GraphNode } from './node.js';

/** Most foreign inputs of a split (`GGML_SCHED_MAX_SPLIT_INPUTS`). */
const MOST_INPUTS = 10;

/**
 * Nodes keep an existing backend.
 * @param backends count; the last is the CPU
 * @param copies pipeline copies of tensors between backends; 1: none
 */
export function scheduled(graph: ComputeGraph, backends: number, copies: number): PlacedGraph {
  const cpu = backends - 1;
  // 1: nodes with a fixed place.
  for (const node of graph.leafs) if (node.backend < 0) node.backend = node.kind === 'input' ? cpu : node.home;
  for (const node of graph.nodes) if (node.backend < 0) node.backend = first(node, cpu);

  // 2: adjacent nodes get the same backend, GPUs first.
  const computed = graph.nodes.filter(({ kind }) => kind !== 'view');
  const spread = (nodes: readonly GraphNode[], withCpu: boolean): void => {
    let current: Backend = -1;
    for (const node of nodes) {
      if (node.backend >= 0) current = node.backend === cpu && !withCpu ? -1 : node.backend;
      else if (current >= 0 && (current === cpu || node.onGpu)) node.backend = current;
    }
  };
  const back = [...computed].reverse();
  spread(computed, false);
  spread(back, false);
  spread(computed, true);
  spread(back, true);

  // 3 and 4: remaining nodes take the backend of most sources; views take the root's.
  for (const node of computed) if (node.backend < 0) node.backend = mostInputs(node, cpu);
  for (const node of graph.nodes) {
    if (node.root !== null && node.backend < 0) node.backend = node.root.backend;
    for (const source of node.sources) if (source.backend < 0) source.backend = source.root === null ? node.backend : source.root.backend;
  }
  return cut(graph, cpu, copies);
}

/** Backend of a node by the place of weights and caches; -1: undecided. */
function first(node: GraphNode, cpu: Backend): Backend {
  const { offload, onGpu, root, sources } = node;
  if (root?.kind === 'external' && (root.home === cpu || onGpu)) return root.home;
  const matrix = sources.find(({ weight }) => weight);
  if (matrix === undefined) return -1;
  if (matrix.home !== cpu) return onGpu ? matrix.home : cpu;
  return cpu > 0 && onGpu && offload ? 0 : cpu;
}

function mostInputs(node: GraphNode, cpu: Backend): Backend {
  let [best, most] = [cpu, -1];
  for (let backend = node.onGpu ? 0 : cpu; backend <= cpu; backend++) {
    const here = node.sources.filter((source) => (source.root ?? source).backend === backend).length;
    if (here > most) [best, most] = [backend, here];
  }
  return best;
}

interface Split {
  readonly backend: Backend;
  readonly from: number;
  readonly inputs: { readonly source: GraphNode; readonly copy: GraphNode }[];
}

/** 5: cuts the graph and copies the inputs of each part. */
function cut({ fusions, leafs, nodes }: ComputeGraph, cpu: Backend, copies: number): PlacedGraph {
  const copied = new Map<GraphNode, GraphNode[]>();
  const extra: GraphNode[] = [];
  const homes = new Map<GraphNode, Split>();
  const start = nodes.findIndex(({ kind }) => kind !== 'view');
  let split: Split = { backend: nodes[start]!.backend, from: 0, inputs: [] };
  const splits = [split];
  const copyIn = (source: GraphNode): GraphNode | undefined => copied.get(source)?.[split.backend];
  const foreign = (source: GraphNode): boolean => source.backend !== split.backend;
  const fetched = (source: GraphNode): GraphNode => {
    const known = copyIn(source);
    if (known !== undefined) return known;
    const copy = duplicate(source, split.backend, copies > 1);
    const all = copied.get(source) ?? [];
    all[split.backend] = copy;
    copied.set(source, all);
    split.inputs.push({ source, copy });
    if (copies > 1) extra.push(copy);
    for (let more = 1; more < copies; more++) extra.push(duplicate(source, split.backend, true));
    return copy;
  };
  for (let i = start; i < nodes.length; i++) {
    const node = nodes[i]!;
    if (node.kind === 'view') continue;
    const { backend, sources } = node;
    const weights = split.inputs.length > 0 && sources.some((source) => source.weight && foreign(source));
    const full = split.inputs.length === MOST_INPUTS && sources.some((source) => foreign(source) && copyIn(source) === undefined);
    if (backend !== split.backend || weights || full) {
      split = { backend, from: i, inputs: [] };
      splits.push(split);
    }
    for (const source of sources) {
      if (copies === 1 || source.kind !== 'input' || source.kept) continue;
      source.kept = true;
      for (let more = 1; more < copies; more++) extra.push(duplicate(source, source.backend, true));
    }
    homes.set(node, split);
    if (sources.some(foreign)) node.sources = sources.map((source) => (foreign(source) ? fetched(source) : source));
  }
  const whole = fusions.filter(
    (fusion) => fusion.until.backend !== cpu && fusion.nodes.every((node) => homes.get(node) === homes.get(fusion.until)),
  );
  const held = new Map(whole.map((fusion) => [fusion.until, fusion.nodes.flatMap((node) => node.sources)]));
  return { leafs: [...extra, ...leafs], nodes: withCopies(nodes, splits, held) };
}

function duplicate({ bytes, shape, strided, width }: GraphNode, backend: Backend, kept: boolean): GraphNode {
  const copy = new GraphNode('op', shape, width, [], { bytes, strided });
  copy.backend = backend;
  copy.kept = kept;
  return copy;
}

/** @param held nodes kept until a later node is computed */
function withCopies(
  nodes: readonly GraphNode[],
  splits: readonly Split[],
  held: ReadonlyMap<GraphNode, readonly GraphNode[]>,
): GraphNode[] {
  const all: GraphNode[] = [];
  const depend = (sources: readonly GraphNode[]): void => {
    const [first] = sources as [GraphNode];
    const dependency = new GraphNode('view', first.shape, first.width, sources, { root: first.root ?? first });
    dependency.dependency = true;
    dependency.backend = first.backend;
    all.push(dependency);
  };
  for (const [i, { from, inputs }] of splits.entries()) {
    for (const { copy, source } of inputs) {
      depend([source]);
      all.push(copy);
    }
    const to = splits[i + 1]?.from ?? nodes.length;
    for (let at = from; at < to; at++) {
      all.push(nodes[at]!);
      const sources = held.get(nodes[at]!);
      if (sources !== undefined) depend(sources);
    }
  }
  return all;
}
