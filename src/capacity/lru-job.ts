// LRU at all capacities in one pass over the rows.
import { type CapacityCounts, LruCurve } from '../cache/curves/lru-curve.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { type Job, type ResolvedJob, splitAtWarmup } from './job.js';

/** One pass for all capacities. */
export class LruJob implements Job {
  readonly #job: ResolvedJob;
  readonly #curve: LruCurve;
  readonly #members: Int32Array;
  #done = 0;

  constructor(job: ResolvedJob) {
    this.#job = job;
    this.#curve = new LruCurve(job.model, job.scope, job.capacities);
    this.#members = new Int32Array(job.topK);
  }

  rows(experts: Uint16Array, tokens: number): void {
    splitAtWarmup(this.#done, tokens, this.#job.warmup, (from, to, counted) => {
      this.#events(experts, from, to);
      if (!counted) this.#curve.resetCounts();
    });
    this.#done += tokens;
  }

  finish(): CapacityCounts[] {
    return this.#curve.counts();
  }

  #events(experts: Uint16Array, from: number, to: number): void {
    const { model, sequential, topK } = this.#job;
    const members = this.#members;
    let at = from * model.layers.length * topK;
    for (let row = from; row < to; row++) {
      for (let layer = 0; layer < model.layers.length; layer++) {
        const { offset } = model.layers[layer]!;
        let count = 0;
        for (const end = at + topK; at < end; at++) {
          if (experts[at] === NULL_EXPERT) continue;
          members[count++] = offset + experts[at]!;
          if (!sequential) continue;
          this.#curve.event(layer, members, 1);
          count = 0;
        }
        if (count > 0) this.#curve.event(layer, members, count);
      }
    }
  }
}
