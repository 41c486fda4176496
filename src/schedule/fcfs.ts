// First come, first served, with continuous batching as in vLLM: every running request decodes one token a pass, and the tokens
// that are left in the pass's budget go to prompts, in order of arrival (chunked prefill).
import type { Request } from './request.js';
import type { Scheduler, SchedulerDefinition, SchedulerLimits, Share } from './scheduler.js';

/** Runs requests in order of arrival. */
export class FcfsScheduler implements Scheduler {
  readonly #limits: SchedulerLimits;
  readonly #waiting: Request[] = [];
  #head = 0;
  readonly #running: Request[] = [];
  readonly #shares: { request: Request; tokens: number }[] = [];

  constructor(limits: SchedulerLimits) {
    this.#limits = limits;
  }

  get pending(): number {
    return this.#waiting.length - this.#head + this.#running.length;
  }

  add(request: Request): void {
    this.#waiting.push(request);
  }

  next(): readonly Share[] {
    while (this.#running.length < this.#limits.batch && this.#head < this.#waiting.length) this.#running.push(this.#take());
    const shares = this.#shares;
    shares.length = 0;
    let budget = this.#limits.maxTokensPerPass;
    for (const request of this.#running) {
      if (budget === 0) break;
      if (request.inPrefill) continue;
      shares.push({ request, tokens: 1 });
      budget--;
    }
    for (const request of this.#running) {
      if (budget === 0) break;
      if (!request.inPrefill) continue;
      const tokens = Math.min(budget, request.prefill - request.done);
      shares.push({ request, tokens });
      budget -= tokens;
    }
    return shares;
  }

  finished(): void {
    const running = this.#running;
    let kept = 0;
    for (const request of running) if (!request.finished) running[kept++] = request;
    running.length = kept;
  }

  #take(): Request {
    const request = this.#waiting[this.#head++]!;
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    return request;
  }
}

/** Registry entry. */
export const fcfs: SchedulerDefinition = {
  name: 'fcfs',
  summary: 'requests in order of arrival, decode tokens first, prompts in chunks',
  cites: 'continuous batching: Orca, OSDI 2022; chunked prefill: Sarathi-Serve, arXiv 2403.02310',
  parameters: {},
  create: (limits) => new FcfsScheduler(limits),
};
