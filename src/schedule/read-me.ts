import { member } from '../base/members.js';
import { groupedBy } from '../base/objects.js';
import type { Parameters } from '../base/parameters.js';
import { PATHS, type PathSource } from './paths.js';
import { type Choose, POOL_PARAMETERS, PoolScheduler, poolFairness, poolSize } from './pool.js';
import type { SchedulerContext, SchedulerDefinition } from './scheduler.js';

function longestQueues(parameters: Parameters, context: SchedulerContext): Choose {
  const view = context.paths!;
  const layer = Math.min(Number(parameters.layer), view.layers - 1);
  return (candidates, most, chosen) => {
    const queues = groupedBy(candidates, (request) => view.first(request, parameters.paths as PathSource, layer));
    let left = most;
    for (const [, queue] of [...queues].sort(([a, first], [b, other]) => other.length - first.length || a - b)) {
      chosen.push(...queue.slice(0, left));
      left -= Math.min(left, queue.length);
    }
  };
}

/** Read-ME's batching: a queue per expert; a pass takes the longest queues first. */
export const readMe: SchedulerDefinition = {
  ...member('scheduler', 'read-me'),
  parameters: {
    ...POOL_PARAMETERS,
    paths: { ...PATHS, description: 'expert of the token itself (pre-gating), or of the token before' },
    layer: { default: 0, description: 'MoE layer whose first choice names the queue', min: 0 },
  },
  needs: ['paths'],
  fairness: poolFairness,
  running: poolSize,
  create: (limits, parameters, context) => new PoolScheduler(limits, parameters, context, longestQueues(parameters, context)),
};
