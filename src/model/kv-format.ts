import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import type { Written } from '../base/written.js';
import { kernelFormat } from './quantization/formats/index.js';
import type { AttentionSpec, ModelSpec } from './spec.js';

/** Bits of a KV-cache entry in built models. */
const BUILT_BITS = 16;

/** KV-cache formats of engines: llama.cpp's -ctk and -ctv, and fp8 (vLLM, SGLang). */
const KV_FORMATS = ['f32', 'f16', 'bf16', 'fp8', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0', 'iq4_nl'] as const;

/** Format of a KV cache: 16 bits in built models; a run may change keys and values separately. */
export interface KvFormat extends Written {
  readonly keys: string;
  readonly values: string;
  readonly keyBits: number;
  readonly valueBits: number;
}

/** True for a text that {@link parseKvFormat} accepts. */
export function isKvFormat(text: string): boolean {
  const names = namesIn(text);
  return names.length <= 2 && names.every((name) => KV_FORMATS.some((known) => known === name));
}

/** `q8_0`, or `q8_0/q4_0` for keys and values. @throws UserError for an unknown format */
export function parseKvFormat(text: string): KvFormat {
  const [keys, values = keys, more] = namesIn(text) as [string, string?, string?];
  if (more !== undefined) throw new UserError(`"${text}" names more than two formats; write keys/values, e.g. q8_0/q4_0`);
  return { text, keys, values, keyBits: bitsOf(keys), valueBits: bitsOf(values) };
}

const namesIn = (text: string): string[] => text.split('/').map((name) => name.trim().toLowerCase());

function bitsOf(name: string): number {
  if (!KV_FORMATS.some((known) => known === name))
    throw new UserError(`unknown format of a KV cache "${name}": ${didYouMean(name, KV_FORMATS)}`);
  // Caches have no equivalent of the block scales of fp8 weights.
  return name === 'fp8' ? 8 : kernelFormat(name)!.bits;
}

/** Bits of an entry as attention reads it: blocks with scales are unpacked. */
const wideBits = (name: string, bits: number): number => (/_/.test(name) ? BUILT_BITS : bits);

/** The model with a different KV-cache format; a latent (MLA) takes the keys' format. */
export function withKvFormat(model: ModelSpec, { keyBits, keys, valueBits, values }: KvFormat): ModelSpec {
  const stored = (spec: AttentionSpec): AttentionSpec => {
    const { kvBytesPerToken, valueShare = 0.5 } = spec;
    const widths = (key: number, value: number): number => (kvBytesPerToken * ((1 - valueShare) * key + valueShare * value)) / BUILT_BITS;
    const wide = widths(wideBits(keys, keyBits), wideBits(values, valueBits));
    const stored = widths(keyBits, valueBits);
    return { ...spec, kvBytesPerToken: stored, ...(wide !== stored && { wideBytesPerToken: wide }) };
  };
  const segments = model.dense.segments.map((segment) => ({ ...segment, attention: segment.attention.map(stored) }));
  const kvBytesPerToken = segments.flatMap(({ attention }) => attention).reduce((sum, spec) => sum + spec.kvBytesPerToken, 0);
  return { ...model, dense: { ...model.dense, segments, kvBytesPerToken } };
}
