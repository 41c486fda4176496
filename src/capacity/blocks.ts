import { sharedMemory } from '../base/host/threads.js';
import { allocateChunk, type RoutingTrace, type TraceChunk } from '../trace/trace.js';

/** About 128 KiB: a block and the replayed caches stay in a core's L2. */
const BLOCK_CHOICES = 1 << 16;
/** Blocks in the ring: the reader's lead over the slowest replay. */
export const BLOCKS = 16;

/** Blocks `[rows, layers, topK]` of experts, shared by threads: a trace is decoded once for all policies. */
export interface BlockRing {
  readonly memory: ArrayBufferLike;
  /** Rows of a block, and choices of a row: layers x topK. */
  readonly rows: number;
  readonly row: number;
}

/** Allocates a ring for a trace. */
export function allocateRing(trace: Pick<RoutingTrace, 'layers' | 'topK'>): BlockRing {
  const row = trace.layers * trace.topK;
  const rows = Math.max(1, Math.floor(BLOCK_CHOICES / row));
  return { memory: sharedMemory(BLOCKS * rows * row * 2), rows, row };
}

/** Views the blocks of a ring as arrays. */
export const blocksOf = ({ memory, rows, row }: BlockRing): Uint16Array[] =>
  Array.from({ length: BLOCKS }, (_, block) => new Uint16Array(memory, block * rows * row * 2, rows * row));

/** The first `tokens` rows. @param free waits until a block may be overwritten @param full takes a filled block */
export async function fillBlocks(
  trace: RoutingTrace,
  ring: BlockRing,
  tokens: number,
  free: (block: number) => Promise<unknown> | undefined,
  full: (block: number, rows: number, experts: Uint16Array) => Promise<void> | void,
): Promise<void> {
  const blocks = blocksOf(ring);
  const columns = allocateChunk(trace, ring.rows);
  const chunks = blocks.map((experts): TraceChunk => ({ ...columns, experts }));
  for (let start = 0, block = 0; start < tokens; start += ring.rows, block = (block + 1) % BLOCKS) {
    const rows = Math.min(ring.rows, tokens - start);
    await free(block);
    trace.read(start, rows, chunks[block]!);
    await full(block, rows, blocks[block]!);
  }
}
