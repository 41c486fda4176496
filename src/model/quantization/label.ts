import { byName } from '../../base/objects.js';
import { knownQuantization } from './index.js';
import type { Quantization } from './rule.js';

/** Name suffixes by llama.cpp's printed sizes. */
const SIZES = byName<string>({ small: '_s', medium: '_m', large: '_l' });

/** Quantization of a label (`Q4_K - Medium`, `mix-iq3_k`; some labels misstate the file); null: unknown. */
export function readLabel(label: string): Quantization | null {
  const text = label.trim().toLowerCase();
  const [, type = text, detail = ''] = /^(\S+)\s*-\s+(.*)$/.exec(text) ?? [];
  const name = type.replace(/^mix-/, '').replaceAll(' ', '_');
  // Last resort, a part of the label: `smol-iq2_ks`, `awq-int4`, `q4_k_m-imat`.
  const parts = text.split(/[-\s/+]+/).filter((part) => part !== 'mix');
  for (const candidate of [`${name}${SIZES[detail] ?? ''}`, name, name.replace(/_moe$/, ''), ...parts]) {
    const found = knownQuantization(candidate);
    if (found !== null) return found;
  }
  return /^mix(-|$)/.test(text) ? knownQuantization('mix') : null;
}
