import { formatNumber } from '../base/units.js';
import type { KernelFormat, Quantization, TensorRole } from '../model/door.js';
import { FORMAT_FAMILIES, findQuantization, KERNEL_FORMATS, kernelFormat, QUANTIZATIONS } from '../model/door.js';
import { wrap } from '../report/door.js';

/** Tensors in table order. */
const ROLES: readonly (readonly [TensorRole, string])[] = [
  ['expert-in', 'experts, gate and up'],
  ['expert-down', 'experts, down'],
  ['ffn-in', 'other FFNs, gate and up'],
  ['ffn-down', 'other FFNs, down'],
  ['projection', 'queries'],
  ['key', 'keys'],
  ['value', 'values'],
  ['attention-out', 'attention output'],
  ['router', 'router'],
  ['embedding', 'embedding'],
  ['head', 'head'],
];

/** Example model of the tables. Ours. */
const EXAMPLE = { columns: 4096, layers: 48, experts: 128, groups: 8, mixer: 'heads', tied: false } as const;

/** `q4_k 4.5`. */
const bitsText = (bits: number): string => String(Number(formatNumber(bits, 4)));

function storedText({ stored }: Quantization, role: TensorRole): string {
  const sums = new Map<string, number>();
  for (let layer = 0; layer < EXAMPLE.layers; layer++)
    for (const { format, share, bits } of stored(role, { ...EXAMPLE, layer })) {
      const text = `${format} ${bitsText(bits)}`;
      sums.set(text, (sums.get(text) ?? 0) + share / EXAMPLE.layers);
    }
  const all = [...sums].sort(([, a], [, b]) => b - a);
  return all.map(([text, share]) => (all.length === 1 ? text : `${text} in ${formatNumber(100 * share)} %`)).join(', ');
}

/** Quantizations of `moeprof profiles`. */
export const quantizationFamily = {
  name: 'quantization',
  names: (): readonly string[] => QUANTIZATIONS.map(({ name }) => name),
  summary: (name: string): string => findQuantization(name).summary,
  show: (name: string, width: number): string => {
    const found = findQuantization(name);
    const longest = Math.max(...ROLES.map(([, text]) => text.length));
    const rows = ROLES.map(([role, text]) => `  ${text.padEnd(longest)}  ${storedText(found, role)}`);
    const head = `Formats and bits per weight, in a model of ${EXAMPLE.layers} layers and ${EXAMPLE.experts} experts with rows of 4,096 weights:`;
    return `${[`quantization/${name}\n${wrap(found.summary, width)}`, `${wrap(head, width)}\n${rows.join('\n')}`].join('\n\n')}\n`;
  },
};

const lines = ({ weights, bytes, bits, rowBytes, rows, plain, name, fallback, family, ggml }: KernelFormat): string[] => [
  weights === 1
    ? `${bitsText(bits)} bits per weight`
    : `${bitsText(bits)} bits per weight: blocks of ${formatNumber(weights)} weights in ${bitsText(bytes)} bytes`,
  ...(rowBytes > 0 ? [`${rowBytes} bytes more per row`] : []),
  ...(plain === name ? [] : [`${rows} rows interleaved; without that it is ${plain}`]),
  ...(fallback === null ? [] : [`rows that are no multiple of ${weights} weights: ${fallback}`]),
  FORMAT_FAMILIES[family],
  ...(ggml === null ? [] : [`type ${ggml} of GGUF files`]),
];

/** Kernel formats of `moeprof profiles`. */
export const formatFamily = {
  name: 'format',
  names: (): readonly string[] => KERNEL_FORMATS.map(({ name }) => name),
  summary: (name: string): string => {
    const { bits, family } = kernelFormat(name)!;
    return `${bitsText(bits)} bits, ${FORMAT_FAMILIES[family]}`;
  },
  show: (name: string): string => `format/${name}\n\n${lines(kernelFormat(name)!).join('\n')}\n`,
};
