// A known mistake of llama.cpp loggers: `ffn_moe_topk` is a strided view of the full argsort, and reading it as if it were packed gives
// token 1 the ranks k..2k-1 of token 0, and so on. Every experts / top-k consecutive rows of a prompt then are a permutation of all experts.

/** Looks for the signature in the prompt groups of a recording. */
export class StridedViewWitness {
  #groups = 0;
  #permutations = 0;

  /**
   * @param ids `[rows, width]` of one layer in one pass
   * @param experts experts of the layer
   */
  look(ids: Int32Array, rows: number, width: number, experts: number): void {
    const block = experts / width;
    if (!Number.isInteger(block) || block < 2 || rows < block) return;
    this.#groups++;
    if (new Set(ids.subarray(0, experts)).size === experts) this.#permutations++;
  }

  /** True where nearly all prompts carry it; chance gives it to next to none. */
  get found(): boolean {
    return this.#groups > 0 && this.#permutations >= 0.9 * this.#groups;
  }
}
