import { byName } from '../../base/objects.js';
import { storedIn } from './formats/index.js';
import type { FormatName } from './formats/rows.js';
import type { Quantization, TensorPlace, TensorRole } from './rule.js';

interface Linear {
  readonly format: FormatName;
  readonly bits?: number | ((place: TensorPlace) => number);
}

interface Parts {
  readonly experts: Linear;
  readonly linear: Linear;
  /** Embedding table and head. Absent: 16 bits. */
  readonly tables?: Linear;
  /** Absent: 16 bits. */
  readonly router?: Linear;
}

const BF16: Linear = { format: 'bf16' };

/** Range of bits, from half to twice the rule's (ours): a different group, or fewer 16-bit layers. */
const RANGE = [-0.5, 1] as const;

/** Moving changes the group overhead of linear layers below 16 bits. */
function checkpoint(name: string, summary: string, parts: Parts, by = 0): Quantization {
  const partOf = (role: TensorRole): Linear => {
    if (role === 'expert-in' || role === 'expert-down') return parts.experts;
    if (role === 'embedding' || role === 'head') return parts.tables ?? BF16;
    return role === 'router' ? (parts.router ?? BF16) : role === 'vector' ? BF16 : parts.linear;
  };
  return {
    name,
    summary,
    range: RANGE,
    moved: (distance) => checkpoint(name, summary, parts, by + distance),
    stored: (role, place) => {
      const { format, bits } = partOf(role);
      const width = (typeof bits === 'function' ? bits(place) : bits) ?? storedIn(format, place.columns).bits;
      return [{ format, bits: width < 16 ? width * (1 + by) : width, share: 1 }];
    },
  };
}

const throughout = (name: string, summary: string, linear: Linear): Quantization => checkpoint(name, summary, { experts: linear, linear });

/** A checkpoint with only experts below 16 bits. @param like a known example */
const expertsOnly = (name: string, what: string, like: string | null, experts: Linear): Quantization =>
  checkpoint(name, `${what} and 16 bits for everything else${like === null ? '' : `, ${like}`}`, { experts, linear: BF16 });

const grouped = (bits: number, group: number, scale: number, zero: number): number => bits + (scale + zero) / group;

/** Details of an integer group format. */
export interface Group {
  /** Weights per group; null: a whole row. */
  readonly group: number | null;
  /** Bits of a group's zero point or bias. */
  readonly zero: number;
}

/** Grouped integers with an f16 scale: GPTQ, AWQ and similar. */
export function integers(name: string, bits: 2 | 3 | 4 | 8, { group, zero }: Group): Quantization {
  const what = group === null ? 'a scale per row' : `groups of ${group} with an f16 scale`;
  const zeros = zero === 0 ? '' : ` and ${zero} bits of zero point`;
  return throughout(name, `${bits} bits, ${what}${zeros} (GPTQ, AWQ and kin); embedding, head and router 16`, {
    format: `int${bits}`,
    bits: ({ columns }) => grouped(bits, group ?? columns, 16, zero),
  });
}

/** 8-bit floats with an f32 scale per square of `block` weights. */
export const fp8 = (block: number): Quantization =>
  throughout(
    'fp8',
    `8 bits and an f32 scale per ${block} x ${block} weights, as in the DeepSeek-V3 checkpoint; embedding, head and router 16`,
    { format: 'fp8', bits: 8 + 32 / (block * block) },
  );

/** Integer quantizations: bits, and the usual group: 128 with a packed zero point (GPTQ, AWQ), or a row. */
export const INTEGER_KINDS = byName<{ readonly bits: 2 | 3 | 4 | 8; readonly usual: Group }>({
  int8: { bits: 8, usual: { group: null, zero: 0 } },
  int4: { bits: 4, usual: { group: 128, zero: 4 } },
  int3: { bits: 3, usual: { group: 128, zero: 3 } },
  int2: { bits: 2, usual: { group: 128, zero: 2 } },
});

/** Usual fp8 block, weights per side. */
export const FP8_BLOCK = 128;

const MLX_ROUTER: Linear = { format: 'mlx8' };

/**
 * Bits of an HQQ weight, meta-data included. Mixtral-offloading (arXiv 2312.17238, Table 1) gives whole-model sizes in
 * GiB: f16 86.99, attention at 4 bits 85.16, then experts at 3 bits 21.37 or at 2 bits 17.54. Over 45,097,156,608
 * expert and 1,342,177,280 attention weights: 3.85, 3.12 and 4.29 bits.
 */
const HQQ_BITS = { 2: 3.12, 3: 3.85, 4: 4.29 };

/** Formats of Python engines and MLX: bits of routed experts, linear layers and the rest, with group overhead. */
export const CHECKPOINTS: readonly Quantization[] = [
  throughout('bf16', '16 bits throughout (bf16 or f16)', BF16),
  fp8(FP8_BLOCK),
  ...Object.entries(INTEGER_KINDS).map(([name, { bits, usual }]) => integers(name, bits, usual)),
  throughout('nf4', 'bitsandbytes NF4, doubly quantized: 4.127 bits; embedding, head and router 16', { format: 'nf4' }),
  expertsOnly('int4_moe', 'Experts 4 bits in groups of 32 with a bf16 scale (4.5 bits)', 'as in Kimi-K2-Thinking', {
    format: 'int4',
    bits: grouped(4, 32, 16, 0),
  }),
  expertsOnly('mxfp4_hf', 'MXFP4 experts (4.25 bits)', 'as in the gpt-oss checkpoint', { format: 'mxfp4', bits: 4.25 }),
  expertsOnly('nvfp4', 'NVFP4 experts (4.5 bits: 4 and an 8-bit scale per 16 weights)', null, { format: 'nvfp4', bits: 4.5 }),
  ...([3, 4, 5, 6, 8] as const).map((bits) => {
    const all: Linear = { format: `mlx${bits}` };
    const summary = `MLX: ${bits} bits in groups of 64 with an f16 scale and bias (${bits}.5 bits), embedding and head too; router 8.5`;
    return checkpoint(`mlx${bits}`, summary, { experts: all, linear: all, tables: all, router: MLX_ROUTER });
  }),
  ...([2, 3, 4] as const).map((bits) => {
    const real = HQQ_BITS[bits];
    const summary = `${bits}-bit HQQ experts (${real} bits with scales and zeros), 4-bit attention (4.29), as in Mixtral-offloading`;
    const experts: Linear = { format: `hqq${bits}`, bits: real };
    return checkpoint(`hqq${bits}`, summary, { experts, linear: { format: 'hqq4', bits: HQQ_BITS[4] } });
  }),
];
