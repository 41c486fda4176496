// Read-ME's batching: a queue per expert; a pass is filled from the longest queue, then from the next longest.
import type { Parameters } from '../base/parameters.js';
import { PATH_SOURCES, type PathView } from './paths.js';
import { POOL_PARAMETERS, PoolScheduler, poolFairness, poolSize } from './pool.js';
import type { Request } from './request.js';
import type { SchedulerContext, SchedulerDefinition, SchedulerLimits } from './scheduler.js';

class ReadMeScheduler extends PoolScheduler {
  readonly #view: PathView;
  readonly #source: (typeof PATH_SOURCES)[number];
  readonly #layer: number;

  constructor(limits: SchedulerLimits, parameters: Parameters, context: SchedulerContext) {
    super(limits, parameters, context);
    this.#view = context.paths!;
    this.#source = parameters.paths as (typeof PATH_SOURCES)[number];
    this.#layer = Math.min(Number(parameters.layer), this.#view.layers - 1);
  }

  protected choose(candidates: readonly Request[], most: number, chosen: Request[]): void {
    const queues = new Map<number, Request[]>();
    for (const request of candidates) {
      const expert = this.#view.first(request, this.#source, this.#layer);
      const queue = queues.get(expert);
      if (queue === undefined) queues.set(expert, [request]);
      else queue.push(request);
    }
    let left = most;
    for (const [, queue] of [...queues].sort(([a, one], [b, other]) => other.length - one.length || a - b)) {
      chosen.push(...queue.slice(0, left));
      left -= Math.min(left, queue.length);
    }
  }
}

/** Registry entry. */
export const readMe: SchedulerDefinition = {
  name: 'read-me',
  summary: 'a queue per expert; passes are filled from the longest',
  cites: 'Read-ME, NeurIPS 2024, arXiv 2410.19123, algorithm 1',
  parameters: {
    ...POOL_PARAMETERS,
    paths: { default: 'next', values: PATH_SOURCES, description: 'expert of the token itself (pre-gating), or of the token before' },
    layer: { default: 0, description: 'MoE layer whose first choice names the queue', min: 0 },
  },
  needs: ['paths'],
  fairness: poolFairness,
  running: poolSize,
  create: (limits, parameters, context) => new ReadMeScheduler(limits, parameters, context),
};
