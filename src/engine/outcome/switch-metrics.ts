// Metrics for whole models as experts: the cost of a switch between models, and the number of machines that hold all of them.
import { expertSizes } from '../../model/door.js';
import type { Metric } from '../../result/result.js';
import type { Inputs } from '../inputs/inputs.js';
import type { Layout } from '../memory/layout.js';

/**
 * Metrics of a composition of experts (Samba-CoE, arXiv 2405.07518); none for other models.
 * @param layout over all GPUs; each of them holds whole models of its own
 * @param metrics of the same run: on-demand loads, stall and requests
 */
export function switchMetrics(
  { hardware, model }: Pick<Inputs, 'hardware' | 'model'>,
  layout: Layout,
  metrics: Readonly<Record<string, Metric>>,
): Record<string, number> {
  if (model.wholeModels !== true) return {};
  const value = (name: string): number => metrics[name]?.value ?? 0;
  const largest = expertSizes(model).reduce((most, bytes) => Math.max(most, bytes), 0);
  const switches = value('transfer.on_demand.count');
  const { gpus } = layout;
  const [fast, ...lower] = hardware.tiers;
  const held = gpus.reduce(
    (sum, { memory: { denseBytes, kvBytes } }) => sum + Math.max(0, Math.floor((fast!.bytes - denseBytes - kvBytes) / largest)),
    0,
  );
  // Every model lies in the lower memory, the fast one holds copies: the larger of the two counts, not their sum.
  const reachable = lower
    .filter(({ name }) => name !== 'ssd')
    .reduce((most, { bytes }) => Math.max(most, bytes), gpus.length * fast!.bytes);
  return {
    'switch.count': switches,
    'switch.time': value('time.stall') / switches,
    'switch.per_request': switches / value('workload.requests'),
    'footprint.held': held,
    'footprint.reach': Math.floor(reachable / largest),
    'footprint.machines': Math.ceil(model.experts / held),
  };
}
