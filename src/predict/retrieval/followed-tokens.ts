import type { Pass } from '../../schedule/door.js';

/** Most sampled tokens of a pass, besides the last token of each request. Ours. */
export const FOLLOWED = 64;

/** Followed tokens of a pass, and each token's known layers. */
export class FollowedTokens {
  /** Row by token; -1: not followed. */
  rowOf = new Int32Array(0);
  /** Known layers by token. */
  known = new Int32Array(0);
  /** First and last token of each slot's request; -1: no token. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  #pass: Pass | null = null;
  #number = -1;

  constructor(slots: number) {
    this.first = new Int32Array(slots);
    this.last = new Int32Array(slots);
  }

  /** Assigns rows to a new pass. @returns false: the pass has begun already */
  begin(pass: Pass): boolean {
    if (this.#pass === pass && this.#number === pass.number) return false;
    this.#pass = pass;
    this.#number = pass.number;
    const { tokens } = pass;
    if (this.rowOf.length < tokens) {
      this.rowOf = new Int32Array(tokens);
      this.known = new Int32Array(tokens);
    }
    this.known.fill(0, 0, tokens);
    this.first.fill(-1);
    for (let token = 0; token < tokens; token++) {
      const slot = pass.slot[token]!;
      if (this.first[slot] === -1) this.first[slot] = token;
      if (pass.wrong[token] === 0) this.last[slot] = token;
    }
    const stride = Math.ceil(tokens / FOLLOWED);
    let rows = 0;
    for (let token = 0; token < tokens; token++) {
      const followed = token % stride === 0 || this.last[pass.slot[token]!] === token;
      this.rowOf[token] = followed ? rows++ : -1;
    }
    return true;
  }
}
