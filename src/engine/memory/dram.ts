// The part of DRAM that holds experts: all of them, or some, as a cache of the SSD below it.

import { formatBytes } from '../../base/units.js';
import { capacityBytes } from '../../cache/capacity.js';
import { expertBytesTotal } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import { misfit } from '../../system/door.js';
import type { MemoryNeed } from './need.js';

/**
 * Capacity of DRAM as a cache of the SSD, null where it holds every expert or there is no SSD; with warnings about experts that do not fit.
 * @throws UserError for a capacity where DRAM caches nothing
 */
export function divideDram({ hardware, longest, model, rooms, run, sequences }: MemoryNeed): {
  readonly bytes: number | null;
  readonly warnings: readonly Warning[];
} {
  const [, dram, ssd] = hardware.tiers;
  const caches = dram?.name === 'dram' && ssd !== undefined;
  const asked = run.memory.dramCache;
  if (asked !== undefined) {
    if (caches) return { bytes: capacityBytes(asked, model), warnings: [] };
    throw misfit(run, 'memory.dramCache', `${hardware.name} has no SSD tier below its DRAM that it could be a cache of; leave it out`);
  }
  if (dram?.name !== 'dram') return { bytes: null, warnings: [] };
  const expertBytes = expertBytesTotal(model);
  // The rest of the CPU's memory use comes first.
  const heldBytes = rooms.dram.weightBytes + sequences * longest * rooms.dram.kvBytesPerToken;
  const leftBytes = Math.max(0, dram.bytes - heldBytes);
  if (expertBytes <= leftBytes) return { bytes: null, warnings: [] };
  const beside = heldBytes === 0 ? '' : ` beside ${formatBytes(heldBytes)} of dense weights and KV caches`;
  const lack = `${formatBytes(expertBytes)} of experts do not fit into ${formatBytes(dram.bytes)} of DRAM${beside}`;
  if (ssd !== undefined) {
    const message = `${lack}: it is a cache of the SSD here, cold at the start.`;
    return { bytes: leftBytes, warnings: [{ code: 'dram-too-small', message }] };
  }
  return { bytes: null, warnings: [{ code: 'does-not-fit', message: `${lack}, and ${hardware.name} has no SSD tier.` }] };
}
