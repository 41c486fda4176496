// Types of routing.mjs.

/** Shape and seed of a generated trace. */
export interface Shape {
  readonly layers: number;
  readonly experts: number;
  readonly topK: number;
  readonly seed: number;
}

export const SHAPES: { readonly fine: Shape; readonly coarse: Shape };

export class Routing {
  constructor(shape: Shape);
  /** Fills `tokens` rows of `[tokens, layers, topK]`. */
  fill(into: Uint16Array, tokens: number): void;
}
