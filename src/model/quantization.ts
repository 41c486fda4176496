// What a weight weighs: the formats in which models are shipped, with their real bits per weight. A format is not one number: files
// keep the head, the attention and some layers at more bits, and what moeprof prices is bytes, so the rule of each file type stands here.
import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';

/** What a tensor is in the model; formats choose bits by it. */
export type TensorRole =
  | 'expert-in' // gate and up projection of a routed expert
  | 'expert-down'
  | 'ffn-in' // gate and up projection of a dense or shared FFN
  | 'ffn-down'
  | 'projection' // query, latent projections, state-space mixers
  | 'key'
  | 'value'
  | 'attention-out'
  | 'router'
  | 'embedding'
  | 'head'
  | 'vector'; // norms, biases

/** Where a tensor stands. */
interface TensorPlace {
  /** Row length: block formats need a multiple of their block. */
  readonly columns: number;
  /** Decoder layer of the tensor, and how many there are. */
  readonly layer: number;
  readonly layers: number;
  /** Routed experts per layer of the model. */
  readonly experts: number;
  /** True where the embedding table is the head, too. */
  readonly tied: boolean;
}

/** A storage format of a whole model. */
export interface Quantization {
  readonly name: string;
  /** One sentence: what holds how many bits, and whose rule that is. */
  readonly summary: string;
  /** Stored bits per weight of a tensor, block scales included. */
  bits(role: TensorRole, place: TensorPlace): number;
}

/**
 * ggml tensor types: bits per weight = bytes of a block x 8 / weights in it (ggml-common.h), and the type that llama-quantize
 * falls back to where a row is not a multiple of the block.
 */
const GGML = {
  f32: { bits: 32, block: 1, fallback: null },
  f16: { bits: 16, block: 1, fallback: null },
  q8_0: { bits: 8.5, block: 32, fallback: 'f16' }, // f16 scale + 32 x 8 bits = 34 bytes
  q5_1: { bits: 6, block: 32, fallback: 'f16' }, // f16 scale, f16 minimum, 32 x 5 bits = 24 bytes
  q5_0: { bits: 5.5, block: 32, fallback: 'f16' }, // f16 scale, 32 x 5 bits = 22 bytes
  q4_0: { bits: 4.5, block: 32, fallback: 'f16' }, // f16 scale, 32 x 4 bits = 18 bytes
  mxfp4: { bits: 4.25, block: 32, fallback: 'f16' }, // 8-bit exponent, 32 x 4 bits = 17 bytes
  q6_k: { bits: 6.5625, block: 256, fallback: 'q8_0' }, // 210 bytes
  q5_k: { bits: 5.5, block: 256, fallback: 'q5_1' }, // 176 bytes
  q4_k: { bits: 4.5, block: 256, fallback: 'q5_0' }, // 144 bytes
} as const;

type GgmlType = keyof typeof GGML;

/** Bits per weight of a ggml type in rows of `columns`, after its fallback. */
function ggmlBits(type: GgmlType, columns: number): number {
  const { bits, block, fallback } = GGML[type];
  return columns % block === 0 || fallback === null ? bits : ggmlBits(fallback, columns);
}

/** Layers to which llama-quantize gives more bits in its `_m` mixes: the first and last eighth, and every third between (`use_more_bits`). */
export function moreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/**
 * A llama.cpp file type (`llama_tensor_get_type` in llama-quant.cpp): `base` for nearly everything, `more` for the value and the down
 * projections of the layers of {@link moreBits}, `head` for the output matrix (and for a tied embedding); with exactly 8 experts keys
 * and values are q8_0 and 4-bit k-quants get a 5-bit attention output. Routers, norms and biases stay f32.
 */
function gguf(name: string, summary: string, types: { base: GgmlType; more?: GgmlType; head: GgmlType; expert?: GgmlType }): Quantization {
  const { base, more = base, head, expert } = types;
  const typeOf = (role: TensorRole, place: TensorPlace): GgmlType => {
    switch (role) {
      case 'router':
      case 'vector':
        return 'f32';
      case 'head':
        return head;
      case 'embedding':
        return place.tied ? head : base;
      case 'key':
        return place.experts === 8 ? 'q8_0' : base;
      case 'value':
        return place.experts === 8 ? 'q8_0' : moreBits(place.layer, place.layers) ? more : base;
      case 'attention-out':
        return place.experts === 8 && base === 'q4_k' ? 'q5_k' : base;
      case 'expert-in':
        return expert ?? base;
      case 'expert-down':
        return expert ?? (moreBits(place.layer, place.layers) ? more : base);
      case 'ffn-down':
        return moreBits(place.layer, place.layers) ? more : base;
      default:
        return base;
    }
  };
  return { name, summary, bits: (role, place) => ggmlBits(typeOf(role, place), place.columns) };
}

/** A format of Hugging Face checkpoints: routed experts, all other linear layers, and the rest (embedding, head, router, vectors) in 16 bits. */
function checkpoint(name: string, summary: string, bits: { experts: number; linear: number }): Quantization {
  return {
    name,
    summary,
    bits: (role) => {
      if (role === 'expert-in' || role === 'expert-down') return bits.experts;
      return role === 'router' || role === 'vector' || role === 'embedding' || role === 'head' ? 16 : bits.linear;
    },
  };
}

/** All formats, by name. */
export const QUANTIZATIONS: readonly Quantization[] = [
  checkpoint('bf16', '16 bits throughout (bf16 or f16)', { experts: 16, linear: 16 }),
  checkpoint('fp8', '8 bits and an f32 scale per 128 x 128 weights, as in the DeepSeek-V3 checkpoint; embedding, head and router 16', {
    experts: 8 + 32 / (128 * 128),
    linear: 8 + 32 / (128 * 128),
  }),
  checkpoint('int4', '4 bits, groups of 128 with an f16 scale and a packed 4-bit zero point (GPTQ, AWQ); embedding, head and router 16', {
    experts: 4 + (16 + 4) / 128,
    linear: 4 + (16 + 4) / 128,
  }),
  checkpoint('mxfp4_hf', 'MXFP4 experts (4.25 bits) and 16 bits for everything else, as in the gpt-oss checkpoint', {
    experts: 4.25,
    linear: 16,
  }),
  // Mixtral-offloading (arXiv 2312.17238, Table 1) gives whole-model sizes in GiB: f16 86.99, attention at 4 bits 85.16, then experts at
  // 3 bits 21.37 or at 2 bits 17.54. With 45,097,156,608 expert and 1,342,177,280 attention weights that is, meta-data included,
  // 16 - (85.16 - 17.54) x 2^33 / 45.097e9 = 3.12 and 3.85 bits per expert weight, and 4.29 per attention weight.
  checkpoint('hqq2', '2-bit HQQ experts (3.12 bits with scales and zeros), 4-bit attention (4.29), as in Mixtral-offloading', {
    experts: 3.12,
    linear: 4.29,
  }),
  checkpoint('hqq3', '3-bit HQQ experts (3.85 bits with scales and zeros), 4-bit attention (4.29), as in Mixtral-offloading', {
    experts: 3.85,
    linear: 4.29,
  }),
  gguf('q8_0', 'llama.cpp Q8_0: 8.5 bits, router and norms f32', { base: 'q8_0', head: 'q8_0' }),
  gguf('q6_k', 'llama.cpp Q6_K: 6.5625 bits, router and norms f32', { base: 'q6_k', head: 'q6_k' }),
  gguf('q5_k_m', 'llama.cpp Q5_K_M: 5.5 bits; 6.5625 for the head and for value and down projections of half the layers', {
    base: 'q5_k',
    more: 'q6_k',
    head: 'q6_k',
  }),
  gguf('q4_k_m', 'llama.cpp Q4_K_M: 4.5 bits; 6.5625 for the head and for value and down projections of half the layers', {
    base: 'q4_k',
    more: 'q6_k',
    head: 'q6_k',
  }),
  gguf('q4_0', 'llama.cpp Q4_0: 4.5 bits; 6.5625 for the head', { base: 'q4_0', head: 'q6_k' }),
  gguf('mxfp4', 'llama.cpp MXFP4 MoE, as gpt-oss is shipped: experts 4.25 bits, everything else 8.5', {
    base: 'q8_0',
    head: 'q8_0',
    expert: 'mxfp4',
  }),
];

/**
 * A format by its name.
 * @throws UserError with the nearest known names
 */
export function findQuantization(name: string): Quantization {
  const found = QUANTIZATIONS.find((format) => format.name === name.toLowerCase());
  if (found !== undefined) return found;
  const names = QUANTIZATIONS.map((format) => format.name);
  throw new UserError(`unknown quantization "${name}"; ${didYouMean(name, names)}`);
}
