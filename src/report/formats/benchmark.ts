// Input of github-action-benchmark: metrics of one direction per file.
import { compareMetricNames } from '../../result/catalogue.js';
import type { Metric, Result } from '../../result/result.js';
import { type Format, printable } from '../format.js';
import { toJson } from '../json.js';

/** Metrics better when lower, for `tool: customSmallerIsBetter`. */
export const smallerBenchmark = benchmark('benchmark-smaller', 'lower');
/** Metrics better when higher, for `tool: customBiggerIsBetter`. */
export const biggerBenchmark = benchmark('benchmark-bigger', 'higher');

function benchmark(name: string, better: Metric['better']): Format<Result> {
  return {
    name,
    extensions: [],
    render: (result) => {
      const { model, quantization, hardware, system } = result.inputs;
      const run = printable(`${model} ${quantization} on ${hardware}, ${system}`);
      const names = Object.keys(result.metrics).filter((metric) => result.metrics[metric]!.better === better);
      const entries = names.sort(compareMetricNames).map((metric) => {
        const { unit, value, samples } = result.metrics[metric]!;
        const range = samples === undefined ? undefined : String(Math.max(...samples) - Math.min(...samples));
        return { name: metric, unit, value, range, extra: run };
      });
      return toJson(entries);
    },
  };
}
