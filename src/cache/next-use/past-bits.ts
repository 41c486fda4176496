/** Events in a block. */
export const EVENTS_A_BLOCK = 8;
/** Distinct pasts: events of the last eight with a use, and the number of used blocks (at most 7). */
export const PASTS = 256 * 8;

/** Blocks take the low bits, so that common pasts, with at most one use in eight events, share few cache lines. */
export const BLOCK_BITS = 3;

/** Ones in a byte, at most 7. */
export const BLOCKS_USED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return Math.min(7, ones);
});

/** Used blocks of a past, at most 7. */
export const usedBlocks = (past: number): number => past & 7;

/** True for a use `back` events ago, 0 to 7. */
export const usedAgo = (past: number, back: number): boolean => ((past >> (BLOCK_BITS + back)) & 1) === 1;

/**
 * Recent uses in two bytes per expert (place): a bit per event of the last eight, a bit per older block of eight.
 */
export class PastBits {
  /** By place: bit i = used i events ago, 0 the newest. The owner sets bit 0. */
  readonly recent: Uint8Array;
  /** By place: bit i = used in block i + 1 before now. */
  readonly blocks: Uint8Array;
  readonly #recentWords: Uint32Array;
  readonly #blockWords: Uint32Array;

  /** @param bytes two zeros per place; places and first address are multiples of four */
  constructor({ buffer, byteOffset, length }: Uint8Array) {
    const places = length / 2;
    this.recent = new Uint8Array(buffer, byteOffset, places);
    this.blocks = new Uint8Array(buffer, byteOffset + places, places);
    this.#recentWords = new Uint32Array(buffer, byteOffset, places / 4);
    this.#blockWords = new Uint32Array(buffer, byteOffset + places, places / 4);
  }

  past(place: number): number {
    return (this.recent[place]! << BLOCK_BITS) | BLOCKS_USED[this.blocks[place]!]!;
  }

  /** By one event, `count` places (a multiple of four) from `start` on. @param endOfBlock true: eight events end */
  age(start: number, count: number, endOfBlock: boolean): void {
    const first = start >> 2;
    const end = first + Math.ceil(count / 4);
    const recent = this.#recentWords;
    if (endOfBlock) {
      const blocks = this.#blockWords;
      for (let w = first; w < end; w++) {
        // A byte is non-zero if its top bit is set, or the other bits carry into the top bit.
        const bits = recent[w]!;
        const any = ((bits | ((bits & 0x7f7f7f7f) + 0x7f7f7f7f)) >>> 7) & 0x01010101;
        blocks[w] = ((blocks[w]! << 1) & 0xfefefefe) | any;
      }
    }
    for (let w = first; w < end; w++) recent[w] = (recent[w]! << 1) & 0xfefefefe;
  }
}
