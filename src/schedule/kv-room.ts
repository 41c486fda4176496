import type { Drafts, Request } from './request.js';

/**
 * KV memory. `static`: full length, apart. `reserve`: full length, shared with experts. `grow`: as filled, preempting
 * the youngest.
 */
export const KV_GROWTH = ['static', 'reserve', 'grow'] as const;
/** A member of {@link KV_GROWTH}. */
export type KvGrowth = (typeof KV_GROWTH)[number];

/** Tokens of a block: vLLM's default (PagedAttention, arXiv 2309.06180, section 4.2). */
const BLOCK_TOKENS = 16;

/** Tokens rounded up to whole blocks. */
export const inBlocks = (tokens: number): number => Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS;

/** KV room on a GPU. */
export interface GpuRoom {
  capacityTokens: number;
  usedTokens: number;
  peakTokens: number;
  /** Requests that have begun. */
  requests: number;
  readonly waiting: Request[];
}

/** Room for KV caches by GPU; a request runs only with a reservation. */
export class KvRoom {
  readonly growth: KvGrowth;
  readonly gpus: readonly GpuRoom[];
  /** Reserved tokens on all GPUs, now and at most. */
  usedTokens = 0;
  peakTokens = 0;
  preemptions = 0;
  /** Preempted requests of the last pass, for the owner of slots. */
  readonly preempted: Request[] = [];
  /** Indices of admitted requests, emptied by the reader; null: no record. */
  admitted: number[] | null = null;
  /** Drafts that need room besides the next token; null: no drafts. */
  drafts: Drafts | null = null;
  /** Called before requests for room; null: room does not depend on time. */
  onTime: ((nowNs: number) => void) | null = null;

  readonly #context: number;

  /** @param capacityTokens by GPU; a number: a single GPU @param context tokens of each request before the first */
  constructor(capacityTokens: number | readonly number[], growth: KvGrowth = 'static', context = 0) {
    this.growth = growth;
    this.#context = context;
    const capacities = typeof capacityTokens === 'number' ? [capacityTokens] : capacityTokens;
    this.gpus = capacities.map((tokens) => ({ capacityTokens: tokens, usedTokens: 0, peakTokens: 0, requests: 0, waiting: [] }));
  }

  /** Tokens of a request at the end, including context. */
  needOf(tokens: number): number {
    return this.growth === 'static' ? tokens + this.#context : inBlocks(tokens + this.#context);
  }

  /** Reserves room to start on the GPU with the most room, ties by index; false: wait. */
  admit(request: Request): boolean {
    const need = this.growth === 'grow' ? inBlocks(this.#nextRows(request)) : this.needOf(request.tokens);
    let gpu = 0;
    for (let other = 1; other < this.gpus.length; other++) if (this.#left(other) > this.#left(gpu)) gpu = other;
    if (need > this.#left(gpu)) return false;
    request.gpu = gpu;
    this.gpus[gpu]!.waiting.push(request);
    this.#take(request, need);
    this.admitted?.push(request.index);
    return true;
  }

  /** Begins a request on the GPU with room and the fewest requests; moves or exchanges the reservation. */
  begin(request: Request): void {
    const { gpus } = this;
    let gpu = -1;
    for (let other = 0; other < gpus.length; other++) {
      if (gpu >= 0 && gpus[other]!.requests >= gpus[gpu]!.requests) continue;
      if (other === request.gpu || this.#fits(request, other) || this.#partner(request, other) !== undefined) gpu = other;
    }
    const from = request.gpu;
    const partner = gpu === from || this.#fits(request, gpu) ? undefined : this.#partner(request, gpu)!;
    this.#leave(request);
    if (partner !== undefined) {
      this.#leave(partner);
      this.#enter(partner, from);
      gpus[from]!.waiting.push(partner);
    }
    this.#enter(request, gpu);
    gpus[gpu]!.requests++;
    request.settled = true;
  }

  /** For a running request's next rows; false: no room. */
  extend(request: Request): boolean {
    const more = this.growth === 'grow' ? Math.max(0, inBlocks(this.#nextRows(request)) - request.kvTokens) : 0;
    if (more > this.#left(request.gpu)) return false;
    this.#take(request, more);
    return true;
  }

  /** Preempts a running request, which restarts as a prompt (recomputation). */
  preempt(request: Request): void {
    this.release(request);
    request.restart();
    this.preemptions++;
    this.preempted.push(request);
  }

  release(request: Request): void {
    if (request.settled) {
      const gpu = this.gpus[request.gpu]!;
      gpu.requests--;
      gpu.usedTokens -= request.kvTokens;
    } else this.#leave(request);
    request.settled = false;
    this.usedTokens -= request.kvTokens;
    request.kvTokens = 0;
  }

  /** Rows of a request after the prompt, or after the next token and draft. */
  #nextRows(request: Request): number {
    return Math.max(request.promptRows, request.done + 1 + (this.drafts?.draftOf(request) ?? 0));
  }

  #fits({ kvTokens }: Request, gpu: number): boolean {
    return kvTokens <= this.#left(gpu);
  }

  #partner(request: Request, gpu: number): Request | undefined {
    const { kvTokens: taken } = request;
    const fits = ({ kvTokens }: Request): boolean => taken - kvTokens <= this.#left(gpu) && kvTokens - taken <= this.#left(request.gpu);
    return this.gpus[gpu]!.waiting.find(fits);
  }

  #leave(request: Request): void {
    const gpu = this.gpus[request.gpu]!;
    gpu.waiting.splice(gpu.waiting.indexOf(request), 1);
    gpu.usedTokens -= request.kvTokens;
  }

  #enter(request: Request, gpu: number): void {
    request.gpu = gpu;
    this.#use(gpu, request.kvTokens);
  }

  /** Tokens that still fit; negative after a loss of room. */
  #left(gpu: number): number {
    const { capacityTokens, usedTokens } = this.gpus[gpu]!;
    return capacityTokens - usedTokens;
  }

  #take(request: Request, tokens: number): void {
    request.kvTokens += tokens;
    this.#use(request.gpu, tokens);
    this.usedTokens += tokens;
    this.peakTokens = Math.max(this.peakTokens, this.usedTokens);
  }

  #use(number: number, tokens: number): void {
    const gpu = this.gpus[number]!;
    gpu.usedTokens += tokens;
    gpu.peakTokens = Math.max(gpu.peakTokens, gpu.usedTokens);
  }
}
