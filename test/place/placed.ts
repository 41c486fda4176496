// A placement for tests: counts that differ, and the experts that stay by them.
import type { ModelSpec } from '../../src/model/door.js';
import type { Placed } from '../../src/place/formats/format.js';
import { balancedHomes } from '../../src/place/homes.js';
import { residentsOf } from '../../src/place/residents.js';

/** A placement with counts that differ, of a model whose layers are numbered otherwise by engines: dense ones lie between. */
export function placedOf(model: ModelSpec, slots: readonly number[], gpus: number | null): Placed {
  const demand = Float64Array.from({ length: model.experts }, (_, id) => (id * 2654435761) % 1009);
  return {
    model,
    demand,
    slots,
    resident: residentsOf(model, demand, slots),
    homes: gpus === null ? null : balancedHomes(model, demand, gpus, gpus),
    fingerprint: {
      schema: 'moeprof.profile/1',
      model: model.name,
      quantization: 'q4_k_m',
      experts: model.layers.map(({ experts }) => experts),
      slots: [...slots],
      by: 'counts',
      counted: [],
    },
  };
}
