import { type Member, memberOf, type Parameters } from '../../base/parameters.js';

/** Home of an expert on every GPU. */
export const EVERYWHERE = -1;

interface PlacedLayer {
  /** Experts of the layer, at least as many as GPUs. */
  readonly experts: number;
  readonly gpus: number;
  /** Activations of each expert in a profile, if needed. */
  readonly popularity: Float64Array | null;
}

/** A member of the family of placements (expert parallelism). */
export interface PlacementDefinition extends Member {
  readonly needsPopularity: boolean;
  /** @returns home GPU by expert, or {@link EVERYWHERE} */
  place(layer: PlacedLayer, parameters: Parameters): Int32Array;
}

/** A placement from its definition. */
export const placement = memberOf<PlacementDefinition>();
