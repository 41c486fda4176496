import type { Pass } from '../../schedule/door.js';

/** Maximum number of followed tokens of a pass, an even sample if there are more; the last token of each request is followed in addition. */
export const FOLLOWED = 64;

/** The followed tokens of a pass, and the known part of each token's path. */
export class FollowedTokens {
  /** By token of the pass: its row, -1: it is not followed. */
  rowOf = new Int32Array(0);
  /** By token of the pass: number of its known layers. */
  known = new Int32Array(0);
  /** By slot: first and last token of its request in the pass; -1: it has none. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  #pass: Pass | null = null;
  #number = -1;

  /** @param slots most requests that run at once */
  constructor(slots: number) {
    this.first = new Int32Array(slots);
    this.last = new Int32Array(slots);
  }

  /** Assigns rows to the tokens of a new pass. @returns false: the pass has begun already */
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
