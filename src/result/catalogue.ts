import { byName } from '../base/objects.js';
import { median } from '../base/significance.js';
import { didYouMean, suggested } from '../base/text.js';
import { METRIC_ROWS, type MetricName } from './metrics.js';
import type { Metric } from './result.js';

interface MetricDescription extends Pick<Metric, 'unit' | 'better' | 'kind'> {
  readonly name: MetricName;
  /** A sentence. */
  readonly meaning: string;
}

/** All metrics by full name, in report order, for reports, gates and documentation. */
export const METRICS: ReadonlyMap<string, MetricDescription> = new Map(
  Object.entries(METRIC_ROWS).flatMap(([stem, { ends, meaning, ...about }]) =>
    Object.entries(ends).map(([end, words]): [string, MetricDescription] => {
      const name = `${stem}${end}` as MetricName;
      return [name, { name, ...about, meaning: `${meaning}${words}.` }];
    }),
  ),
);

/** Result, or its metrics alone. */
interface WithMetrics {
  readonly metrics: Readonly<Partial<Record<MetricName, Metric>>>;
}

/** Limit of any quantity; sums and differences stay finite. Ours. */
export const LARGEST = 1e100;
/** A share of 1 after rounding. */
const WHOLE = 1 + 1e-6;

type Range = readonly [least: number, most: number];

/** Bounds of metrics that differ from their unit's. */
const RANGES = byName<Range>({
  'parallel.imbalance': [0, LARGEST],
  'parallel.event_imbalance': [0, LARGEST],
  'memory.gpu.saving': [-LARGEST, WHOLE],
  'variant.activations_saved': [-LARGEST, WHOLE],
  'variant.flops_saved': [-LARGEST, WHOLE],
  'rerank.hit_rate_gained': [-WHOLE, WHOLE],
  'prefetch.stall_avoided': [-LARGEST, LARGEST],
  'prefetch.stall_avoided_per_byte': [-LARGEST, LARGEST],
} satisfies Partial<Record<MetricName, Range>>);

/** Metrics of every result. */
export const CORE_METRICS = [
  'cache.hit_rate',
  'cache.miss_rate',
  'time.total',
  'throughput.total',
] as const satisfies readonly MetricName[];

/** Least and largest value of a metric. */
export function rangeOf(name: string): Range {
  const known = METRICS.get(name);
  return RANGES[name] ?? (known === undefined ? [-LARGEST, LARGEST] : [0, known.unit === 'ratio' ? WHOLE : LARGEST]);
}

/** Metrics with the word as a part, earlier parts first: `TPOT` gives `latency.tpot.mean`, `decode` `speed.decode`. */
export function metricsOfWord(word: string): string[] {
  const wanted = word.toLowerCase().replaceAll(/[\s-]+/g, '_');
  const at = (name: string): number => name.split('.').indexOf(wanted);
  return [...METRICS.keys()].filter((name) => at(name) >= 0).sort((a, b) => at(a) - at(b));
}

/** Suggests metrics for an unknown name. */
export function metricMeant(name: string): string {
  const ofWord = metricsOfWord(name).slice(0, 3);
  return ofWord.length > 0 ? suggested(ofWord) : didYouMean(name, METRICS.keys());
}

/** @throws Error for an unknown name, a bug */
export function describeMetric(name: string): MetricDescription {
  const found = METRICS.get(name);
  if (found === undefined) {
    const replaced = replacementOf(name) !== null;
    const nearest = metricMeant(name);
    throw new Error(replaced ? noSuchMetric(name, nearest) : `"${name}" is not in the metric catalogue; ${nearest}`);
  }
  return found;
}

/** @param value in the catalogue's unit @throws Error for an unknown name, NaN and infinities */
export function metric(name: MetricName, value: number): Metric {
  const { unit, better, kind } = describeMetric(name);
  if (!Number.isFinite(value)) throw new Error(`metric ${name} is ${value}; a metric that a run cannot have must be absent`);
  return { value, unit, better, kind };
}

/** The value is the median. @param samples at least one @throws Error as {@link metric}, or for a simulated metric */
export function sampledMetric(name: MetricName, samples: readonly number[]): Metric {
  if (describeMetric(name).kind !== 'sampled') throw new Error(`${name} is simulated; it has one value, not samples`);
  return { ...metric(name, median(samples)), samples };
}

/** In its unit; null if absent. */
export const metricValue = ({ metrics }: WithMetrics, name: MetricName): number | null => metrics[name]?.value ?? null;

/** Orders metric names as in the catalogue, then unknown names. */
export function compareMetricNames(a: string, b: string): number {
  const difference = (ORDER.get(a) ?? METRICS.size) - (ORDER.get(b) ?? METRICS.size);
  return difference !== 0 ? difference : a < b ? -1 : a > b ? 1 : 0;
}

const ORDER: ReadonlyMap<string, number> = new Map([...METRICS.keys()].map((name, index) => [name, index]));

/** Renamed metrics. */
const RENAMED = byName<string>({
  'bound.foresight.tpot': 'bound.found.tpot',
  'bound.foresight.total': 'bound.found.total',
  'headroom.foresight': 'headroom.found',
} satisfies Record<string, MetricName>);

/** Current name of a metric; earlier names are still read. */
export const nameToday = (name: string): string => RENAMED[name] ?? name;

const REPLACED: ReadonlyMap<string, string> = new Map([
  ['throughput.decode', 'speed.decode, or throughput.generated for generated tokens over the whole run, prompts included'],
  ['fault.throughput', 'fault.decode or fault.prefill'],
  ['fault.throughput_without', 'fault.decode_without or fault.prefill_without'],
]);

/** Replacement of a removed metric, to follow `write`, or null. */
export const replacementOf = (name: string): string | null => REPLACED.get(name) ?? null;

/** Message for an unknown metric, without a full stop. */
export function noSuchMetric(name: string, nearest: string): string {
  const replacement = replacementOf(name);
  return replacement === null
    ? `there is no metric "${name}"; ${nearest}`
    : `there is no metric "${name}" any more, since it mixed prompts with decoding; write ${replacement}`;
}
