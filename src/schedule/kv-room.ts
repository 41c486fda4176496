// Admission: a request runs only while there is room for its KV cache, all of it, so that no request ever has to be thrown out again.
import type { Request } from './request.js';

/** Memory for the KV cache of the requests that run. */
export class KvRoom {
  /** Tokens that fit. */
  readonly capacityTokens: number;
  /** Tokens that are set aside now, and at most so far. */
  usedTokens = 0;
  peakTokens = 0;

  constructor(capacityTokens: number) {
    this.capacityTokens = capacityTokens;
  }

  /** Sets aside the room of a whole request, prompt and output; false: it has to wait. */
  admit(request: Request): boolean {
    if (this.usedTokens + request.tokens > this.capacityTokens) return false;
    this.usedTokens += request.tokens;
    this.peakTokens = Math.max(this.peakTokens, this.usedTokens);
    return true;
  }

  /** Gives the room of a finished request back. */
  release(request: Request): void {
    this.usedTokens -= request.tokens;
  }
}
