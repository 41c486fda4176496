// ggml's graph allocator (ggml-alloc.c): a tensor takes the best-fitting gap, or replaces a source no longer needed;
// the largest offset is the buffer size.
import type { Backend, GraphNode } from './node.js';

/** A graph in compute order, with a backend for every node. */
export interface PlacedGraph {
  readonly leafs: readonly GraphNode[];
  readonly nodes: readonly GraphNode[];
}

/** Alignment of GPU memory, bytes. Host alignment is smaller, invisible in MiB. */
const ALIGNMENT = 128;

/** Buffer bytes by backend. */
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

function reuses(node: GraphNode): boolean {
  for (const source of node.sources) {
    if (!source.allocated || source.kept || !source.fits(node) || source.children !== 1 || source.views !== 0) continue;
    source.allocated = false;
    node.backend = source.backend;
    node.offset = source.offset;
    return true;
  }
  return false;
}

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

class Gaps {
  most = 0;
  /** By offset; the last block has no end. */
  readonly #blocks: { offset: number; size: number }[] = [{ offset: 0, size: Number.POSITIVE_INFINITY }];

  /** Offset for `bytes` bytes in the smallest sufficient gap, the last of equals. */
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
