// The speeds of the two phases (L21): what llama-bench calls pp and tg. A speed is tokens over the time of their requests: the speed that
// each user sees.

/** Tokens of prompts and generated tokens, each with the time that they took. */
export class PhaseSpeeds {
  #promptTokens = 0;
  #promptNs = 0;
  #decodeTokens = 0;
  #decodeNs = 0;

  /** A request has read `tokens` prompt tokens in `ns`. */
  prompted(tokens: number, ns: number): void {
    this.#promptTokens += tokens;
    this.#promptNs += ns;
  }

  /** A request has generated `tokens` tokens after its first, in `ns`. */
  decoded(tokens: number, ns: number): void {
    this.#decodeTokens += tokens;
    this.#decodeNs += ns;
  }

  /** Adds all of another. */
  add(other: PhaseSpeeds): void {
    this.prompted(other.#promptTokens, other.#promptNs);
    this.decoded(other.#decodeTokens, other.#decodeNs);
  }

  /** Forgets everything. */
  clear(): void {
    this.#promptTokens = this.#promptNs = this.#decodeTokens = this.#decodeNs = 0;
  }

  /** Prompt tokens per second; null where there was none. */
  get prefill(): number | null {
    return this.#promptTokens === 0 ? null : (this.#promptTokens * 1e9) / this.#promptNs;
  }

  /** Generated tokens per second; null where there was none. */
  get decode(): number | null {
    return this.#decodeTokens === 0 ? null : (this.#decodeTokens * 1e9) / this.#decodeNs;
  }
}
