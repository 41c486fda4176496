// Slots of llama.cpp's expert cache for a budget of MiB, by the functions that divide the memory of a run.
import { fromBuild } from './bench.mjs';

const { bankBytes, slotsOfGroups } = await fromBuild('cache/slot-groups.js');
const { llamaMoeCache } = await fromBuild('cache/policies/llama-moe-cache.js');

/** Groups of an expected row, with their slots and bytes. */
export function slotsOf({ cpu_share, device_split, groups, mib, split_sum, top_k }) {
  const spare = llamaMoeCache.spare({ build: 12191, share: cpu_share }, top_k);
  const sized = groups.map((group) => ({ ...group, matrices: group.expert_bytes }));
  const slots = slotsOfGroups(sized, mib * 2 ** 20, spare, device_split, split_sum);
  return {
    groups: sized.map(({ layers, experts, matrices }, g) => ({
      layers,
      experts,
      expert_bytes: matrices,
      slots: slots[g],
      bank_bytes: bankBytes({ matrices }, slots[g] + spare),
      percent: Number(((100 * slots[g]) / (layers * experts)).toFixed(1)),
      tokens_worth: Number((slots[g] / (layers * top_k)).toFixed(1)),
    })),
  };
}
