import { formatNs } from '../../base/units.js';
import type { Warning } from '../../result/result.js';
import { computesMisses } from '../../system/door.js';
import { balances } from '../mechanisms/balance.js';
import type { SimulatedGpu } from './simulation.js';

/** Shortfalls against the system: left-out features and greedy decisions. */
export function runNotes([gpu]: readonly SimulatedGpu[]): Warning[] {
  const leftOut = gpu!.prefetch?.leftOut ?? null;
  const across = `Nothing is brought for the next pass while the link is idle: prefetch.across needs ${leftOut}.`;
  return [...(leftOut === null ? [] : [{ code: 'across-left-out', message: across }]), ...slowHits(gpu!)];
}

/** A larger cache may be slower: a hit runs on the GPU, and only `balance` gives hits to a faster CPU. */
function slowHits(gpu: SimulatedGpu): Warning[] {
  const { cost, model, onMiss } = gpu;
  if (!onMiss.some(computesMisses) || balances(onMiss)) return [];
  const layer = model.layers.length >> 1;
  const [gpuNs, cpuNs] = [cost.expertNs(layer, 1), cost.cpuExpertNs(layer, 1)];
  if (gpuNs <= cpuNs) return [];
  const message =
    `The GPU takes ${formatNs(gpuNs)} for an expert that the CPU computes in ${formatNs(cpuNs)}, and executes each that it holds: ` +
    'a larger cache can make this run slower. --on-miss balance hands such experts to the CPU.';
  return [{ code: 'slow-hits', message }];
}
