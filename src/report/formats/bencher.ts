import { compareMetricNames } from '../../result/catalogue.js';
import type { Result } from '../../result/result.js';
import { type Format, printable } from '../format.js';
import { toJson } from '../json.js';

/** For `bencher run --adapter json`: one benchmark per run. Bencher sets the boundaries (docs/ci.md). */
export const bencherReport: Format<Result> = {
  name: 'bencher',
  extensions: ['.bmf'],
  render: (result) => {
    const { model, quantization, hardware, system } = result.inputs;
    const names = Object.keys(result.metrics).sort(compareMetricNames);
    const measures = names.map((name) => {
      const { samples, value } = result.metrics[name]!;
      return [name, { value, ...(samples && { lower_value: Math.min(...samples), upper_value: Math.max(...samples) }) }];
    });
    return toJson({ [printable(`${model} ${quantization} on ${hardware}, ${system}`)]: Object.fromEntries(measures) });
  },
};
