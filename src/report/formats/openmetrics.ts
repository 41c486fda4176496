import { compareMetricNames, METRICS } from '../../result/catalogue.js';
import type { Metric, Result, Unit } from '../../result/result.js';
import { type Format, printable } from '../format.js';

/** Suffix of a metric's name, and divisor of its values. */
const UNITS: Readonly<Record<Unit, readonly [suffix: string, divisor: number]>> = {
  ratio: ['ratio', 1],
  count: ['', 1],
  bytes: ['bytes', 1],
  ns: ['seconds', 1e9],
  'tokens/s': ['tokens_per_second', 1],
  'count/token': ['', 1],
  'bytes/token': ['', 1],
  'bytes/s': ['bytes_per_second', 1],
  'ns/byte': ['seconds_per_byte', 1e9],
  flops: ['flops', 1],
};

/** OpenMetrics text (Prometheus): a gauge per metric in base units, labelled with the run's inputs. */
export const openMetricsReport: Format<Result> = {
  name: 'openmetrics',
  extensions: ['.prom', '.openmetrics'],
  render: (result) => {
    const { model, quantization, hardware, system } = result.inputs;
    const run = { model, quantization, hardware, system };
    const labels = labelSet(run);
    const info = labelSet({ ...run, version: result.tool.version, seed: String(result.seed) });
    const names = Object.keys(result.metrics).sort(compareMetricNames);
    const families = names.map((name) => family(name, result.metrics[name]!, labels));
    return `# TYPE moeprof_run info\n# HELP moeprof_run What ran.\nmoeprof_run_info${info} 1\n${families.join('')}# EOF\n`;
  },
};

function family(name: string, { unit, value }: Metric, labels: string): string {
  const [suffix, divisor] = UNITS[unit];
  const plain = `moeprof_${name.replace(/[^a-zA-Z0-9]/g, '_')}`;
  const full = suffix === '' || plain.endsWith(`_${suffix}`) ? plain : `${plain}_${suffix}`;
  const lines = [
    `# TYPE ${full} gauge`,
    ...(suffix === '' ? [] : [`# UNIT ${full} ${suffix}`]),
    ...(METRICS.has(name) ? [`# HELP ${full} ${escaped(METRICS.get(name)!.meaning)}`] : []),
    `${full}${labels} ${value / divisor}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function labelSet(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

const escaped = (text: string): string => printable(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
