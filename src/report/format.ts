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
import type { MetricName } from '../result/metrics.js';
import type { Metric, Result, Unit } from '../result/result.js';

/** Capabilities of the output device. Files: no colour, 80 columns, Unicode. */
export interface ReportOptions {
  readonly color: boolean;
  /** Columns; only tables exceed 80. */
  readonly width: number;
  readonly unicode: boolean;
  readonly verbose: boolean;
}

/** An output format, a pure function from value and options to text. */
export interface Format<T> {
  /** Name in `-o name=path`. */
  readonly name: string;
  /** File name extensions, with the dot. */
  readonly extensions: readonly string[];
  readonly needsDetails?: boolean;
  render(value: T, options: ReportOptions): string;
  /** The text in parts, at most one part in memory; absent: always short. */
  parts?(value: T): Iterable<string>;
}

/** An output format with a large library, loaded on request, or a binary format. */
export interface LazyFormat<T> extends Pick<Format<T>, 'name' | 'extensions'> {
  readonly binary?: boolean;
  load(): Promise<(value: T, options: ReportOptions) => string | Uint8Array>;
}

/** Any output format. */
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

/** Tokens per second without the unit; null without a value. */
export function bareRate(value: number | null | undefined): { readonly value: number; readonly text: string } | null {
  if (value === null || value === undefined) return null;
  return { value, text: formatTokensPerSecond(value).replace(/ tok\/s$/, '') };
}

/** A signed change: `+2.31 ms`; ratios in percentage points: `-0.4 pp`. A nonzero change never prints as zero. */
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

/** One decimal, or two significant digits for small sizes. */
function fewDigits(size: number): string {
  if (size === 0 || size >= 0.1) return formatNumber(size, size !== 0 && size < 1 ? 2 : 1);
  return size < 1e-6 ? size.toExponential(1) : String(Number(size.toPrecision(2)));
}

/** Longest text of a report, characters. Ours: descriptions have up to 700. */
const LONGEST = 2000;

/** External text made safe: one line of limited length, without control characters. */
export const printable = (text: string): string => visible(shortened(text, LONGEST));

/** A metric with its unit; null if absent. */
export function metricText({ metrics }: Result, name: MetricName): string | null {
  const metric = metrics[name];
  return metric === undefined ? null : formatMetric(metric);
}
