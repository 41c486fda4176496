// Room for KV caches: a request runs only while there is room for it. How much it sets aside, and when, is what growth says.
import type { Request } from './request.js';

/**
 * What running requests take of the memory for KV caches. `static`: their full length, of a room that nothing else uses. `reserve`: their
 * full length, in blocks, of memory that the expert cache uses while they do not run. `grow`: blocks as they fill them, of the same
 * memory; where a running request finds no block, the youngest is thrown out and computed again later.
 */
export const KV_GROWTH = ['static', 'reserve', 'grow'] as const;
/** One of {@link KV_GROWTH}. */
export type KvGrowth = (typeof KV_GROWTH)[number];

/** Tokens of a block: vLLM's default (Kwon et al., "PagedAttention", SOSP 2023, arXiv 2309.06180, section 4.2). */
export const BLOCK_TOKENS = 16;

/** Tokens in as many whole blocks as `tokens` take. */
export function inBlocks(tokens: number): number {
  return Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS;
}

/** Memory for the KV cache of the requests that run. */
export class KvRoom {
  readonly growth: KvGrowth;
  /** Tokens that fit. */
  capacityTokens: number;
  /** Tokens that are set aside now, and at most so far. */
  usedTokens = 0;
  peakTokens = 0;
  /** Requests that were thrown out, counted each time. */
  preemptions = 0;
  /** Those of the last pass, for whoever gave them a slot. */
  readonly preempted: Request[] = [];
  /** Indices of the requests admitted since somebody emptied it; null: nobody keeps a record. */
  admitted: number[] | null = null;
  /** Told how late it is before room is asked for; null: the room does not depend on time. */
  onTime: ((nowNs: number) => void) | null = null;

  constructor(capacityTokens: number, growth: KvGrowth = 'static') {
    this.capacityTokens = capacityTokens;
    this.growth = growth;
  }

  /** Tokens that a request of `tokens` takes when it has run to its end. */
  needOf(tokens: number): number {
    return this.growth === 'static' ? tokens : inBlocks(tokens);
  }

  /** Sets aside what a request needs to start; false: it has to wait. */
  admit(request: Request): boolean {
    const need = this.growth === 'grow' ? inBlocks(Math.max(1, request.promptRows)) : this.needOf(request.tokens);
    if (this.usedTokens + need > this.capacityTokens) return false;
    this.#take(request, need);
    this.admitted?.push(request.index);
    return true;
  }

  /** Sets aside what a running request needs for its next rows; false: there is no room for them, or for what it has already. */
  extend(request: Request): boolean {
    const rows = Math.max(request.promptRows, request.done + 1);
    const more = this.growth === 'grow' ? Math.max(0, inBlocks(rows) - request.kvTokens) : 0;
    if (this.usedTokens + more > this.capacityTokens) return false;
    this.#take(request, more);
    return true;
  }

  /** Throws a running request out: its KV cache is lost, and it starts again as a prompt (preemption by recomputation). */
  preempt(request: Request): void {
    this.release(request);
    request.restart();
    this.preemptions++;
    this.preempted.push(request);
  }

  /** Gives the room of a request back. */
  release(request: Request): void {
    this.usedTokens -= request.kvTokens;
    request.kvTokens = 0;
  }

  #take(request: Request, tokens: number): void {
    request.kvTokens += tokens;
    this.usedTokens += tokens;
    this.peakTokens = Math.max(this.peakTokens, this.usedTokens);
  }
}
