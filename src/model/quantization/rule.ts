import type { StoredFormat } from './formats/index.js';

/** Role of a tensor; quantizations choose formats by role. */
export type TensorRole =
  | 'expert-in' // gate and up projection of a routed expert
  | 'expert-down'
  | 'ffn-in' // gate and up projection of a dense or shared FFN
  | 'ffn-down'
  | 'projection' // query, and projection to the latent
  | 'latent' // unpacking of the latent per head
  | 'state'
  | 'key'
  | 'value'
  | 'attention-out'
  | 'router'
  | 'embedding'
  | 'head'
  | 'vector'; // norms, biases

/** Place of a tensor in the model. */
export interface TensorPlace {
  /** Row length: block formats need a multiple of the block. */
  readonly columns: number;
  readonly layer: number;
  readonly layers: number;
  readonly experts: number;
  /** Query heads per KV head; a latent is one KV head. */
  readonly groups: number;
  /** Context memory; `state`: in some layers. */
  readonly mixer: 'heads' | 'latent' | 'state';
  /** True: the embedding table is also the head. */
  readonly tied: boolean;
}

/** Part of a tensor in a single format; shares add up to 1. */
export interface StoredShare extends StoredFormat {
  readonly share: number;
}

/** Stated size of a file: bits per weight, or bytes. */
export type FileSize = { readonly bits: number } | { readonly bytes: number };

/** A storage format of a whole model. */
export interface Quantization {
  readonly name: string;
  /** One sentence: bits by part, and the source of the rule. */
  readonly summary: string;
  /** Storage of a tensor; several entries in a moved rule. */
  stored(role: TensorRole, place: TensorPlace): readonly StoredShare[];
  /** The rule moved to fewer bits (below 0) or more (above 0), in steps of formats. */
  moved(by: number): Quantization;
  /** Limits of {@link moved}. */
  readonly range: readonly [least: number, most: number];
  /** Stated file size to meet. Absent: the rule unchanged. */
  readonly size?: FileSize;
}

/** Bits per weight of a tensor. */
export const bitsOf = (shares: readonly StoredShare[]): number =>
  shares.length === 1 ? shares[0]!.bits : shares.reduce((sum, { share, bits }) => sum + share * bits, 0);
