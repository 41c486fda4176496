// Exact LRU stack distances: how many distinct experts were used since an expert's last use. One pass over the demand gives the hits
// of LRU at every capacity, because an LRU cache of n slots always holds the n most recently used (Mattson et al., 1970).
//
// Uses are marked on a time line of bits, one live mark per expert; a distance is the number of marks after an expert's own, counted
// by words and blocks of words. When the line is full, the live marks are moved to its start.

/** Marks per word, words per block. */
const WORD = 32;
const BLOCK = 16;
/** Marks on the line per expert: the more, the rarer the moves and the longer the counts. */
const SPREAD = 4;

/** The LRU stack of one cache, ids local. */
export class LruStack {
  /** Experts used so far. */
  distinct = 0;
  readonly #marks: Int32Array;
  readonly #inWord: Uint8Array;
  readonly #inBlock: Int32Array;
  readonly #idAt: Int32Array;
  /** Place on the line of each expert's last use; -1: not used yet. */
  readonly #place: Int32Array;
  readonly #length: number;
  #end = 0;

  /** @param experts ids are [0, experts) */
  constructor(experts: number) {
    const block = WORD * BLOCK;
    this.#length = Math.ceil((SPREAD * experts + 1) / block) * block;
    this.#marks = new Int32Array(this.#length / WORD);
    this.#inWord = new Uint8Array(this.#length / WORD);
    this.#inBlock = new Int32Array(this.#length / block);
    this.#idAt = new Int32Array(this.#length);
    this.#place = new Int32Array(experts).fill(-1);
  }

  /**
   * Distinct experts used since the last use of `id`: it hits in every cache of more slots. Moves nothing, because all members of an
   * event are judged before it changes anything (L2).
   * @returns -1 before the first use
   */
  distance(id: number): number {
    const place = this.#place[id]!;
    return place < 0 ? -1 : this.#marksAfter(place);
  }

  /** Makes `id` the most recently used. */
  touch(id: number): void {
    if (this.#end === this.#length) this.#compact();
    const place = this.#place[id]!;
    if (place >= 0) this.#mark(place, -1);
    else this.distinct++;
    const end = this.#end++;
    this.#place[id] = end;
    this.#idAt[end] = id;
    this.#mark(end, 1);
  }

  #mark(place: number, change: 1 | -1): void {
    const word = place >>> 5;
    this.#marks[word] = this.#marks[word]! ^ (1 << (place & 31));
    this.#inWord[word]! += change;
    this.#inBlock[word >>> 4]! += change;
  }

  #marksAfter(place: number): number {
    let word = place >>> 5;
    // Two shifts: a shift by 32 would be one by 0.
    let count = bitCount((this.#marks[word]! >>> (place & 31)) >>> 1);
    let block = word >>> 4;
    const last = (this.#end - 1) >>> 5;
    for (const end = Math.min((block + 1) * BLOCK - 1, last); word < end; ) count += this.#inWord[++word]!;
    for (const end = last >>> 4; block < end; ) count += this.#inBlock[++block]!;
    return count;
  }

  #compact(): void {
    let end = 0;
    for (let word = 0; word < this.#marks.length; word++) {
      for (let bits = this.#marks[word]!; bits !== 0; bits &= bits - 1) {
        const id = this.#idAt[word * WORD + 31 - Math.clz32(bits & -bits)]!;
        this.#idAt[end] = id;
        this.#place[id] = end++;
      }
    }
    this.#marks.fill(0);
    this.#inWord.fill(0);
    this.#inBlock.fill(0);
    for (let place = 0; place < end; place++) this.#mark(place, 1);
    this.#end = end;
  }
}

/** Bits set in a word. */
function bitCount(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
