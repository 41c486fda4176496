// Blocks of trace rows in memory that threads share: the trace is read and decoded once, and every policy is fed from the same block.
import { sharedMemory } from '../base/host/threads.js';
import { allocateChunk, type RoutingTrace, type TraceChunk } from '../trace/trace.js';

/** Approximate number of choices in a block: 128 KiB, so that a block and the caches replayed on it stay in a core's L2. */
const BLOCK_CHOICES = 1 << 16;
/** Blocks in the ring: how far the reader may run ahead of the slowest replay. */
export const BLOCKS = 16;

/** A ring of blocks `[rows, layers, topK]` of experts. It can be sent to a thread. */
export interface BlockRing {
  readonly memory: ArrayBufferLike;
  readonly rows: number;
  /** Choices of a row: layers x topK. */
  readonly row: number;
}

/** Allocates a ring for a trace. */
export function allocateRing(trace: Pick<RoutingTrace, 'layers' | 'topK'>): BlockRing {
  const row = trace.layers * trace.topK;
  const rows = Math.max(1, Math.floor(BLOCK_CHOICES / row));
  return { memory: sharedMemory(BLOCKS * rows * row * 2), rows, row };
}

/** The blocks of a ring as arrays. */
export const blocksOf = ({ memory, rows, row }: BlockRing): Uint16Array[] =>
  Array.from({ length: BLOCKS }, (_, block) => new Uint16Array(memory, block * rows * row * 2, rows * row));

/** Reads the first `tokens` rows of a trace into a ring of blocks. @param free waits until one may be overwritten @param full takes a filled one */
export async function fillBlocks(
  trace: RoutingTrace,
  ring: BlockRing,
  tokens: number,
  free: (block: number) => Promise<unknown> | undefined,
  full: (block: number, rows: number, experts: Uint16Array) => Promise<void> | void,
): Promise<void> {
  const blocks = blocksOf(ring);
  // Rows are decoded directly into the shared blocks; the other columns are not needed.
  const columns = allocateChunk(trace, ring.rows);
  const chunks = blocks.map((experts): TraceChunk => ({ ...columns, experts }));
  for (let start = 0, block = 0; start < tokens; start += ring.rows, block = (block + 1) % BLOCKS) {
    const rows = Math.min(ring.rows, tokens - start);
    await free(block);
    trace.read(start, rows, chunks[block]!);
    await full(block, rows, blocks[block]!);
  }
}
