// The allocator of graphs, by hand: gaps, results in place of their sources, views, and what several passes keep.
import { describe, expect, it } from 'vitest';
import { bufferBytes } from '../../../../src/runtime/allocation/graph/allocator.js';
import {
  ComputeGraph,
  type GraphNode,
  inPlace,
  input,
  op,
  part,
  product,
  view,
  weight,
} from '../../../../src/runtime/allocation/graph/node.js';
import { scheduled } from '../../../../src/runtime/allocation/graph/schedule.js';

/** Buffers of a graph that ends in `last`, in KiB: GPUs, then host. */
function buffers(last: GraphNode, gpus = 0, copies = 1): number[] {
  const graph = new ComputeGraph();
  graph.expand(last);
  return bufferBytes(scheduled(graph, gpus + 1, copies), gpus + 1).map((bytes) => bytes / 1024);
}

/** 1 KiB of f32. */
const KIB = [256];

describe('one device', () => {
  it('holds a source and its result, and gives the source back', () => {
    // a (1) -> b (1) -> c (1): c takes the place of a.
    const a = op(KIB, []);
    expect(buffers(op(KIB, [op(KIB, [a])]))).toEqual([2]);
  });

  it('computes in place where nobody else needs the source', () => {
    const a = op(KIB, []);
    expect(buffers(inPlace(KIB, [a]))).toEqual([1]);
    const b = op(KIB, []);
    expect(buffers(op(KIB, [inPlace(KIB, [b]), b]))).toEqual([3]);
    expect(buffers(inPlace([128], [op(KIB, [])]))).toEqual([1.5]);
  });

  it('takes the smallest gap that is large enough', () => {
    // 4 KiB and 2 KiB are freed around a tensor that stays; 2 KiB go into the gap of 2, not into that of 4.
    const [large, stays, small] = [op([1024], []), op(KIB, []), op([512], [])];
    const used = op(KIB, [large, small]);
    const fits = op([512], [used]);
    const graph = new ComputeGraph();
    for (const node of [large, stays, small, used, fits, op(KIB, [stays, fits])]) graph.expand(node);
    // 0..4 large, 4..5 stays, 5..7 small, 7..8 used; fits at 5..7; the last one at 0.
    expect(bufferBytes(scheduled(graph, 1, 1), 1)).toEqual([8 * 1024]);
  });

  it('keeps what views look into', () => {
    const a = op([512], []);
    const half = part(a, KIB);
    // The view keeps all of a, beside its two results.
    expect(buffers(op(KIB, [op(KIB, [half])]))).toEqual([3]);
    // A view of the same shape has no memory to hand on, and keeps that of its root.
    expect(buffers(inPlace([128, 2], [view(op(KIB, []), [128, 2])]))).toEqual([2]);
  });
});

describe('several devices', () => {
  it('compute where weights lie, and are given copies', () => {
    const x = input([4, 64]); // 1 KiB, on the host
    const hidden = product(4, 64, weight(1, 0, true), x);
    const out = product(4, 64, weight(1, 1, true), hidden);
    // gpu0: the copy of x and its result; gpu1: the copy of that and its own; host: x.
    expect(buffers(out, 2)).toEqual([2, 2, 1]);
  });

  it('fetch weights of the host for enough tokens, and free them after', () => {
    const x = input([4, 64]);
    const first = product(4, 64, weight(8 * 1024, 1, true), x);
    expect(buffers(product(4, 64, weight(4 * 1024, 1, true), first), 1)).toEqual([10, 1]);
    const few = input([4, 16]);
    expect(buffers(product(4, 16, weight(8 * 1024, 1, true), few), 1)).toEqual([0, 0.5]);
    const other = input([4, 64]);
    expect(buffers(product(4, 64, weight(8 * 1024, 1, false), other), 1)).toEqual([0, 2]);
  });

  it('keep copies of everything for a pipeline', () => {
    const x = input([4, 64]);
    const hidden = product(4, 64, weight(1, 0, true), x);
    // Four copies of x on host and on the first, of its result on the second.
    expect(buffers(product(4, 64, weight(1, 1, true), hidden), 2, 4)).toEqual([5, 5, 4]);
  });
});
