// The recent uses of many experts in two bytes each: one bit for each of the last eight events, and one for each block of eight before.

/** Events in a block. */
export const EVENTS_A_BLOCK = 8;
/** Number of distinct pasts: which of the last eight events used the expert, and how many of the eight blocks (at most 7). */
export const PASTS = 256 * 8;

/** Blocks lie in the low bits: most experts were used at most once in eight events, and their pasts share few lines of the processor's cache. */
export const BLOCK_BITS = 3;

/** Number of ones in a byte, at most 7. */
export const BLOCKS_USED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return Math.min(7, ones);
});

/** Blocks of a past that used the expert, at most 7. */
export const usedBlocks = (past: number): number => past & 7;

/** True if a past used the expert `back` events ago, 0 to 7. */
export const usedAgo = (past: number, back: number): boolean => ((past >> (BLOCK_BITS + back)) & 1) === 1;

/** Pasts of places. The owner pads each run of places that ages together to a multiple of four. */
export class PastBits {
  /** By place: bit i = used i events ago, 0 the newest; the owner sets bit 0 for a use. */
  readonly recent: Uint8Array;
  /** By place: bit i = used in the block i + 1 back. */
  readonly blocks: Uint8Array;
  /** The same as words of four places. */
  readonly #recentWords: Uint32Array;
  readonly #blockWords: Uint32Array;

  /** @param bytes two for each place, zero; places are a multiple of four, and the first byte's address is one */
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

  /** Ages `count` places from `start` on, a multiple of four, by one event. @param endOfBlock true: use in the last eight events becomes one bit */
  age(start: number, count: number, endOfBlock: boolean): void {
    const first = start >> 2;
    const end = first + Math.ceil(count / 4);
    const recent = this.#recentWords;
    if (endOfBlock) {
      const blocks = this.#blockWords;
      for (let w = first; w < end; w++) {
        // A byte is non-zero if its top bit, or the carry of the other bits into it, is set.
        const bits = recent[w]!;
        const any = ((bits | ((bits & 0x7f7f7f7f) + 0x7f7f7f7f)) >>> 7) & 0x01010101;
        blocks[w] = ((blocks[w]! << 1) & 0xfefefefe) | any;
      }
    }
    for (let w = first; w < end; w++) recent[w] = (recent[w]! << 1) & 0xfefefefe;
  }
}
