/** A mixer other than attention: parameters, and f32 state values per sequence. */
export interface Mixer {
  readonly parameters: number;
  readonly state: number;
}

/** Sizes of a Mamba-2 mixer. */
export interface Mamba2 {
  readonly inner: number;
  readonly heads: number;
  readonly state: number;
  readonly groups: number;
  readonly kernel: number;
  /** True: the convolution has a bias; the projections have one. */
  readonly convolutionBias: boolean;
  readonly projectionBias: boolean;
}

/** A Mamba-2 mixer. */
export function mamba2(hidden: number, { convolutionBias, groups, heads, inner, kernel, projectionBias, state }: Mamba2): Mixer {
  const mixed = inner + 2 * groups * state; // input, B and C
  const input = inner + mixed + heads; // output gate, mixed values, step per head
  const convolution = mixed * (kernel + Number(convolutionBias));
  const bias = projectionBias ? input + hidden : 0;
  return {
    parameters: hidden * input + convolution + 3 * heads + inner + inner * hidden + bias, // A, D and step bias per head; norm; out
    state: (kernel - 1) * mixed + inner * state,
  };
}

/** Sizes of a gated DeltaNet. */
export interface DeltaNet {
  readonly keyHeads: number;
  readonly keyDim: number;
  readonly valueHeads: number;
  readonly valueDim: number;
  readonly kernel: number;
}

/** A gated DeltaNet mixer. */
export function deltaNet(hidden: number, { kernel, keyDim, keyHeads, valueDim, valueHeads }: DeltaNet): Mixer {
  const [keys, values] = [keyHeads * keyDim, valueHeads * valueDim];
  const input = hidden * (2 * keys + 2 * values + 2 * valueHeads); // queries, keys, values, output gate; decay and step per value head
  const mixed = 2 * keys + values;
  const constants = 2 * valueHeads + valueDim; // decay and step bias per value head; norm
  return { parameters: input + kernel * mixed + constants + values * hidden, state: (kernel - 1) * mixed + values * keyDim };
}

/** Kernel of the convolutions of linear attention (transformers). */
const KERNEL = 4;

/** Kimi delta attention (KDA). @param full true: decay and gate of full rank, not of a head's width */
export function kimiDelta(hidden: number, heads: number, dim: number, full: boolean): Mixer {
  const inner = heads * dim;
  const gates = full ? 2 * hidden * inner : 2 * dim * (hidden + inner);
  const constants = heads + inner + dim; // decay per head, step bias, norm
  const parameters = 4 * hidden * inner + gates + hidden * heads + 3 * inner * KERNEL + constants;
  return { parameters, state: inner * dim + 3 * (KERNEL - 1) * inner };
}

/** Short convolution (LFM2): three gates in, a kernel of 3, one matrix out. */
export const shortConvolution = (hidden: number): Mixer => ({ parameters: 4 * hidden * hidden + 3 * hidden, state: 2 * hidden });
