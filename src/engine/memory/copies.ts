import type { ModelSpec } from '../../model/door.js';
import type { CopiesSpec } from '../../system/door.js';

/** Bytes of a capacity for copies: 0 if every expert fits whole. @param expertBytes of all experts on the GPU */
export const copyRoom = (spec: CopiesSpec | undefined, capacityBytes: number, expertBytes: number): number =>
  spec === undefined || capacityBytes >= expertBytes ? 0 : Math.floor(spec.share * capacityBytes);

/** Model with copy-sized experts, for the copies' share of the expert cache. */
export function copiesOf(model: ModelSpec, copyBytes: number): ModelSpec {
  return { ...model, layers: model.layers.map((layer) => ({ ...layer, expertBytes: Math.ceil(copyBytes * layer.expertBytes) })) };
}
