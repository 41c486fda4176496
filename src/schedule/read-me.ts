import { groupedBy } from '../base/objects.js';
import { PATHS, type PathSource } from './paths.js';
import { type Choose, POOL_PARAMETERS, PoolScheduler, poolFairness, poolSize } from './pool.js';
import { type SchedulerContext, scheduler } from './scheduler.js';

interface Queues {
  readonly layer: number;
  readonly paths: PathSource;
}

function longestQueues({ layer: named, paths }: Queues, context: SchedulerContext): Choose {
  const view = context.paths!;
  const layer = Math.min(named, view.layers - 1);
  return (candidates, most, chosen) => {
    const queues = groupedBy(candidates, (request) => view.first(request, paths, layer));
    let left = most;
    for (const [, queue] of [...queues].sort(([a, first], [b, other]) => other.length - first.length || a - b)) {
      chosen.push(...queue.slice(0, left));
      left -= Math.min(left, queue.length);
    }
  };
}

/** Read-ME's batching: a queue per expert; a pass takes the longest queues first. */
export const readMe = scheduler({
  name: 'read-me',
  summary: 'a queue per expert; passes are filled from the longest',
  cites: 'Read-ME, NeurIPS 2024, arXiv 2410.19123, algorithm 1',
  parameters: {
    ...POOL_PARAMETERS,
    paths: { ...PATHS, description: 'expert of the token itself (pre-gating), or of the token before' },
    layer: { default: 0, description: 'MoE layer whose first choice names the queue', min: 0 },
  },
  needs: ['paths'],
  fairness: poolFairness,
  running: poolSize,
  create: (limits, parameters, context) => new PoolScheduler(limits, parameters, context, longestQueues(parameters, context)),
});
