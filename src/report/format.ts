import { shortened, visible } from '../base/text.js';
import {
  formatBytes,
  formatCount,
  formatFlops,
  formatNs,
  formatNumber,
  formatRate,
  formatRatio,
  formatTokensPerSecond,
} from '../base/units.js';
import type { Metric, Result, Unit } from '../result/result.js';

/** Capabilities of the output device. Files are written without colour, at 80 columns, in Unicode. */
export interface ReportOptions {
  readonly color: boolean;
  /** Columns; of text formats only tables use more than 80. */
  readonly width: number;
  readonly unicode: boolean;
  readonly verbose: boolean;
}

/** One output format of a kind of value, a pure function: value and options in, text out. */
export interface Format<T> {
  /** As in `-o name=path`. */
  readonly name: string;
  /** File name extensions of this format, with their dot. */
  readonly extensions: readonly string[];
  /** True if it needs the `details` of a result, which a run records only on request. */
  readonly needsDetails?: boolean;
  /** The whole text, with its final newline. */
  render(value: T, options: ReportOptions): string;
  /** The same text in parts, which no more than one of is in memory at a time; absent: it is never long. */
  parts?(value: T): Iterable<string>;
}

/** An output format that depends on a large library, loaded only if the format is requested, or is binary. */
export interface LazyFormat<T> extends Pick<Format<T>, 'name' | 'extensions'> {
  /** True if it is written to files only. */
  readonly binary?: boolean;
  load(): Promise<(value: T, options: ReportOptions) => string | Uint8Array>;
}

/** Any output format of a command. */
export type OutputFormat<T> = Format<T> | LazyFormat<T>;

const FORMATS: Readonly<Record<Unit, (value: number) => string>> = {
  ratio: formatRatio,
  count: (value) => (Number.isInteger(value) ? formatCount(value) : formatNumber(value, 2)),
  bytes: formatBytes,
  ns: formatNs,
  'tokens/s': formatTokensPerSecond,
  'count/token': (value) => `${formatNumber(value, 2)} /token`,
  'bytes/token': (value) => `${formatBytes(value)}/token`,
  'bytes/s': formatRate,
  'ns/byte': (value) => `${formatNumber(value, 3)} ns/B`,
  flops: formatFlops,
};

/** A value with its unit: `83.9 %`, `31.2 ms`, `157 MiB/token`. */
export const formatValue = (value: number, unit: Unit): string => FORMATS[unit](value);

/** A metric's value with its unit. */
export const formatMetric = (metric: Pick<Metric, 'value' | 'unit'>): string => formatValue(metric.value, metric.unit);

/** Tokens per second without the unit, for a column or sentence that names it; null if there is no value. */
export function bareRate(value: number | null | undefined): { readonly value: number; readonly text: string } | null {
  if (value === null || value === undefined) return null;
  return { value, text: formatTokensPerSecond(value).replace(/ tok\/s$/, '') };
}

/** A change with its sign: `+2.31 ms`; ratios in percentage points: `-0.4 pp`. A change that is not zero never prints as zero. */
export function formatDelta(delta: number, unit: Unit): string {
  const sign = delta > 0 ? '+' : delta < 0 ? '-' : '';
  const size = Math.abs(delta);
  if (unit === 'ratio') return `${sign}${fewDigits(size * 100)} pp`;
  const text = formatValue(size, unit);
  return sign + (size > 0 && !/[1-9]/.test(text) ? `${size.toExponential(1)} ${unit}` : text);
}

/** A relative change in percent: `+3.1 %`, `-0.02 %`. */
export function formatRelative(fraction: number): string {
  const sign = fraction > 0 ? '+' : fraction < 0 ? '-' : '';
  return `${sign}${fewDigits(Math.abs(fraction) * 100)} %`;
}

/** One decimal if that has two significant digits, else two significant digits. */
function fewDigits(size: number): string {
  if (size === 0 || size >= 0.1) return formatNumber(size, size !== 0 && size < 1 ? 2 : 1);
  return size < 1e-6 ? size.toExponential(1) : String(Number(size.toPrecision(2)));
}

/** Longest text of a report, characters: descriptions of ours have up to 700. */
const LONGEST = 2000;

/** External text (names, paths, messages) made safe for reports: one line of limited length, without control characters. */
export const printable = (text: string): string => visible(shortened(text, LONGEST));

/** A metric with its unit, or null if the run does not have it. */
export function metricText({ metrics }: Result, name: string): string | null {
  const metric = metrics[name];
  return metric === undefined ? null : formatMetric(metric);
}

/** A metric in its unit of the catalogue, or null if the run does not have it. */
export const metricValue = ({ metrics }: Result, name: string): number | null => metrics[name]?.value ?? null;
