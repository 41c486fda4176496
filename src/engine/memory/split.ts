// The layer at the boundary between CPU and GPU, whose experts are split between the two, if the run asks for one.
import { type ExpertSplit, splitExperts } from '../../model/door.js';
import { DEFAULT_SYSTEM } from '../../runtime/index.js';
import { isWord, misfit, type RunSpec } from '../../system/door.js';
import type { Inputs } from '../inputs/inputs.js';

/**
 * The layer that the run splits; null: none.
 * @throws UserError where machine, model or system cannot do that
 */
export function expertSplitOf({ hardware, model, system }: Inputs, run: RunSpec): ExpertSplit | null {
  const { splitLayer } = run.memory;
  if (splitLayer === undefined) return null;
  const refuse = (what: string): never => {
    throw misfit(run, 'memory.splitLayer', what);
  };
  if (hardware.cpu === null) refuse(`${hardware.name} has no CPU beside a GPU that could compute a part of the experts; leave it out`);
  if (hardware.gpus !== undefined)
    refuse('is for GPUs that share layers or tensors, and here they share experts; name a runtime that does');
  const { policy } = system.cache;
  if (!isWord(system.onMiss, 'cpu') || system.cache.scope === 'layer' || policy.name !== 'static')
    refuse(
      `a split layer's experts stay where they are, and ${system.name} moves them; take ${DEFAULT_SYSTEM}, or another static policy with scope global and onMiss cpu`,
    );
  if (splitLayer.layer >= model.layers.length)
    refuse(`layer ${splitLayer.layer} is none of the ${model.layers.length} with experts, counted from 0; take a smaller one`);
  return splitExperts(model, splitLayer.layer, splitLayer.cpu);
}
