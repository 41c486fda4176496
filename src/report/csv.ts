// One row per metric, with what the run was: files of several runs can be put under each other and pivoted.
import { compareMetricNames } from '../result/catalogue.js';
import type { Result } from '../result/result.js';
import type { Format } from './format.js';

const HEAD = ['model', 'quantization', 'hardware', 'system', 'seed', 'metric', 'value', 'unit', 'better', 'kind'];

/** CSV of a result's metrics (RFC 4180 quoting, values in the unit that the row names). */
export const csvReport: Format<Result> = {
  name: 'csv',
  summary: 'one row per metric, for spreadsheets and data frames',
  extensions: ['.csv'],
  render: (result) => {
    const { model, quantization, hardware, system } = result.inputs;
    const names = Object.keys(result.metrics).sort(compareMetricNames);
    const rows = names.map((name) => {
      const { value, unit, better, kind } = result.metrics[name]!;
      return [model, quantization, hardware, system, result.seed, name, value, unit, better, kind];
    });
    return toCsv([HEAD, ...rows]);
  },
};

/** Rows as CSV text, each ended by a newline. */
export function toCsv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\n`).join('');
}

function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
