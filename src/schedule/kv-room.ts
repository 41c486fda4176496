import type { Drafts, Request } from './request.js';

/** KV memory. `static`: full length, apart. `reserve`: full length, shared with experts. `grow`: as filled; the youngest is preempted. */
export const KV_GROWTH = ['static', 'reserve', 'grow'] as const;
/** One of {@link KV_GROWTH}. */
export type KvGrowth = (typeof KV_GROWTH)[number];

/** Tokens of a block: vLLM's default (Kwon et al., "PagedAttention", SOSP 2023, arXiv 2309.06180, section 4.2). */
const BLOCK_TOKENS = 16;

/** Tokens in as many whole blocks as `tokens` take. */
export const inBlocks = (tokens: number): number => Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS;

/** Room on one GPU. */
export interface GpuRoom {
  /** Tokens that fit. */
  capacityTokens: number;
  /** Tokens that are set aside now, and at most so far. */
  usedTokens: number;
  peakTokens: number;
  /** Requests that run here: those that have begun. */
  requests: number;
  /** Requests that have room here and have not begun. */
  readonly waiting: Request[];
}

/** Room for KV caches on one GPU: a request runs only if there is some. The way of growing decides size and time of a reservation. */
export class KvRoom {
  readonly growth: KvGrowth;
  /** At least one. */
  readonly gpus: readonly GpuRoom[];
  /** Tokens that are set aside on all GPUs now, and at most so far. */
  usedTokens = 0;
  peakTokens = 0;
  preemptions = 0;
  /** Preempted requests of the last pass, for the code that gave them a slot. */
  readonly preempted: Request[] = [];
  /** Indices of the requests admitted since it was last emptied; null: no record is kept. */
  admitted: number[] | null = null;
  /** Tokens that requests draft, which need room in addition to the one that is always kept; null: none. */
  drafts: Drafts | null = null;
  /** Called with the time before each request for room; null: the room does not depend on time. */
  onTime: ((nowNs: number) => void) | null = null;

  readonly #context: number;

  /** @param capacityTokens that fit, by GPU; a number: there is one @param context tokens that requests hold before their first */
  constructor(capacityTokens: number | readonly number[], growth: KvGrowth = 'static', context = 0) {
    this.growth = growth;
    this.#context = context;
    const capacities = typeof capacityTokens === 'number' ? [capacityTokens] : capacityTokens;
    this.gpus = capacities.map((tokens) => ({ capacityTokens: tokens, usedTokens: 0, peakTokens: 0, requests: 0, waiting: [] }));
  }

  /** Tokens that a request of `tokens` takes when it has run to its end, its context included. */
  needOf(tokens: number): number {
    return this.growth === 'static' ? tokens + this.#context : inBlocks(tokens + this.#context);
  }

  /** Reserves the room that a request needs to start, on the GPU with the most room, the first of several; false: it has to wait. */
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

  /** An admitted request begins on the GPU with room and the fewest requests, and stays; its room elsewhere moves or is exchanged. */
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

  /** Reserves room for the next rows of a running request; false: there is none, or its present room is lost. */
  extend(request: Request): boolean {
    const more = this.growth === 'grow' ? Math.max(0, inBlocks(this.#nextRows(request)) - request.kvTokens) : 0;
    if (more > this.#left(request.gpu)) return false;
    this.#take(request, more);
    return true;
  }

  /** Preempts a running request: its KV cache is lost, and it starts again as a prompt (preemption by recomputation). */
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

  /** Rows of a request that have a place when it has run its prompt, or its next token and what it drafts. */
  #nextRows(request: Request): number {
    return Math.max(request.promptRows, request.done + 1 + (this.drafts?.draftOf(request) ?? 0));
  }

  #fits({ kvTokens }: Request, gpu: number): boolean {
    return kvTokens <= this.#left(gpu);
  }

  /** One on `gpu` that has not begun, with which a request on another GPU could change places. */
  #partner(request: Request, gpu: number): Request | undefined {
    const { kvTokens: taken } = request;
    const fits = ({ kvTokens }: Request): boolean => taken - kvTokens <= this.#left(gpu) && kvTokens - taken <= this.#left(request.gpu);
    return this.gpus[gpu]!.waiting.find(fits);
  }

  /** Room that is reserved for a request that has not begun may go to another. */
  #leave(request: Request): void {
    const gpu = this.gpus[request.gpu]!;
    gpu.waiting.splice(gpu.waiting.indexOf(request), 1);
    gpu.usedTokens -= request.kvTokens;
  }

  #enter(request: Request, gpu: number): void {
    request.gpu = gpu;
    this.#use(gpu, request.kvTokens);
  }

  /** Tokens that still fit on a GPU; fewer than none if it has lost room that was set aside. */
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
