// The contract of a quantization: a rule for the format of every tensor, as one number of bits is not enough to price a file.
import type { StoredFormat } from './formats/index.js';

/** The role of a tensor in the model; quantizations choose formats by it. */
export type TensorRole =
  | 'expert-in' // gate and up projection of a routed expert
  | 'expert-down'
  | 'ffn-in' // gate and up projection of a dense or shared FFN
  | 'ffn-down'
  | 'projection' // query, and what makes the latent
  | 'latent' // what unpacks the latent, for each head
  | 'state' // mixers of recurrent layers
  | 'key'
  | 'value'
  | 'attention-out'
  | 'router'
  | 'embedding'
  | 'head'
  | 'vector'; // norms, biases

/** The place of a tensor in the model. */
export interface TensorPlace {
  /** Row length: block formats need a multiple of their block. */
  readonly columns: number;
  /** Decoder layer of the tensor, and how many there are. */
  readonly layer: number;
  readonly layers: number;
  readonly experts: number;
  /** Query heads that share a key and value head; latent attention counts as one shared by all. */
  readonly groups: number;
  /** How layers look back: over keys and values of heads, a latent, or, in some layers, a state. */
  readonly mixer: 'heads' | 'latent' | 'state';
  /** True if the embedding table is the head, too. */
  readonly tied: boolean;
}

/** A part of a tensor that is stored in one format; the shares of a tensor add up to 1. */
export interface StoredShare extends StoredFormat {
  readonly share: number;
}

/** The stated size of a whole file: bits per weight, or bytes. */
export type FileSize = { readonly bits: number } | { readonly bytes: number };

/** A storage format of a whole model. */
export interface Quantization {
  readonly name: string;
  /** One sentence: bits by part, and the source of the rule. */
  readonly summary: string;
  /** How a tensor is stored. One entry, or several if the rule was moved to meet the size of a file. */
  stored(role: TensorRole, place: TensorPlace): readonly StoredShare[];
  /** The rule moved towards fewer bits (below 0) or more (above 0), in steps of the formats that its files mix; 0: itself. */
  moved(by: number): Quantization;
  /** Limits of {@link moved} in either direction. */
  readonly range: readonly [least: number, most: number];
  /** Stated size of the whole file, which the rule is moved to meet. Absent: the rule as it is. */
  readonly size?: FileSize;
}

/** Bits per weight of a tensor. */
export const bitsOf = (shares: readonly StoredShare[]): number =>
  shares.length === 1 ? shares[0]!.bits : shares.reduce((sum, { share, bits }) => sum + share * bits, 0);
