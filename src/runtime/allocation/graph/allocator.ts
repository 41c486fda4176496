// ggml's allocator for graphs (ggml-alloc.c): a tensor gets the gap that fits best, a result may take the place of a source that is no longer
// needed, and the largest offset that is ever in use is the size of the buffer.
import type { Backend, GraphNode } from './node.js';

/** A graph of which every node has a backend, in the order in which it is computed. */
export interface PlacedGraph {
  /** Allocated before everything else. */
  readonly leafs: readonly GraphNode[];
  readonly nodes: readonly GraphNode[];
}

/** Alignment of GPU memory. That of host memory is smaller; in MiB the difference is not visible. */
const ALIGNMENT = 128;

/** Bytes of the buffer of each backend. */
export function bufferBytes({ leafs, nodes }: PlacedGraph, backends: number): number[] {
  const gaps = Array.from({ length: backends }, () => new Gaps());
  for (const leaf of leafs) allocate(leaf, leaf.backend, gaps);
  for (const { backend, dependency, root, sources } of nodes) {
    if (root !== null && !dependency) root.views++;
    for (const source of sources) {
      source.children++;
      if (source.kind === 'input') allocate(source, backend, gaps);
    }
  }
  for (const node of nodes) {
    for (const source of node.sources) allocate(source, node.backend, gaps);
    allocate(node, node.backend, gaps);
    for (const source of node.sources) release(source, gaps);
  }
  return gaps.map(({ most }) => most);
}

function allocate(node: GraphNode, backend: Backend, gaps: readonly Gaps[]): void {
  if (node.allocated || node.root !== null || node.kind === 'external') return;
  node.allocated = true;
  if (node.inPlace && reuses(node)) return;
  node.backend = backend;
  node.offset = gaps[backend]!.take(node.bytes);
}

/** Takes the memory of a source that only this node needs; false if there is none. */
function reuses(node: GraphNode): boolean {
  for (const source of node.sources) {
    // A view has no memory of its own to give away.
    if (!source.allocated || source.kept || !source.fits(node) || source.children !== 1 || source.views !== 0) continue;
    source.allocated = false;
    node.backend = source.backend;
    node.offset = source.offset;
    return true;
  }
  return false;
}

/** Counts one user of a node less, and frees it after the last. */
function release(source: GraphNode, gaps: readonly Gaps[]): void {
  source.children--;
  if (source.children > 0 || source.views > 0) return;
  const { root } = source;
  if (root === null) {
    if (source.allocated) free(source, gaps);
    return;
  }
  root.views--;
  if (root.views === 0 && root.children === 0 && root.allocated) free(root, gaps);
}

function free(node: GraphNode, gaps: readonly Gaps[]): void {
  if (node.kept) return;
  gaps[node.backend]!.give(node.offset, node.bytes);
  node.allocated = false;
}

/** Free memory of a buffer that may grow. */
class Gaps {
  /** Largest end of anything so far. */
  most = 0;
  /** In order of their offsets; the last one has no end. */
  readonly #blocks: { offset: number; size: number }[] = [{ offset: 0, size: Number.POSITIVE_INFINITY }];

  /** Offset for `bytes` bytes: in the smallest gap that is large enough, the last of equal ones. */
  take(bytes: number): number {
    const size = aligned(bytes);
    const blocks = this.#blocks;
    let best = blocks.length - 1;
    for (let i = 0; i < blocks.length - 1; i++) {
      if (blocks[i]!.size >= size && blocks[i]!.size <= blocks[best]!.size) best = i;
    }
    const block = blocks[best]!;
    const { offset } = block;
    block.offset += size;
    block.size -= size;
    if (block.size === 0) blocks.splice(best, 1);
    this.most = Math.max(this.most, offset + size);
    return offset;
  }

  /** Frees a block, and joins it with its neighbours. */
  give(offset: number, bytes: number): void {
    const size = aligned(bytes);
    // A model without a vocabulary has no logits.
    if (size === 0) return;
    const blocks = this.#blocks;
    const next = blocks.findIndex((block) => block.offset > offset);
    const [before, after] = [blocks[next - 1], blocks[next]!];
    if (before !== undefined && before.offset + before.size === offset) {
      before.size += size;
      if (before.offset + before.size === after.offset) {
        before.size += after.size;
        blocks.splice(next, 1);
      }
    } else if (offset + size === after.offset) {
      after.offset = offset;
      after.size += size;
    } else blocks.splice(next, 0, { offset, size });
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
