import type { Member, Parameters } from '../../base/parameters.js';

/** The contract of a placement: the GPU of each expert of a layer (expert parallelism). Home of an expert that lives on every GPU. */
export const EVERYWHERE = -1;

interface PlacedLayer {
  /** Experts of the layer, at least as many as GPUs. */
  readonly experts: number;
  readonly gpus: number;
  /** Activations of each expert in a profile; present if the placement needs it. */
  readonly popularity: Float64Array | null;
}

/** One member of the family of placements. */
export interface PlacementDefinition extends Member {
  readonly needsPopularity: boolean;
  /** @returns by expert of the layer: the GPU that it lives on, or {@link EVERYWHERE} */
  place(layer: PlacedLayer, parameters: Parameters): Int32Array;
}
