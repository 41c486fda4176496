import type { Result } from '../../result/result.js';
import type { Format } from '../format.js';
import { htmlReport } from '../html/html.js';
import { csvReport, jsonReport, markdownReport, tableReport } from '../summary/run.js';
import { bencherReport } from './bencher.js';
import { biggerBenchmark, smallerBenchmark } from './benchmark.js';
import { openMetricsReport } from './openmetrics.js';
import { speedscopeReport } from './speedscope.js';

/** Terminal table first. A new format is a file and a line. */
export const reports: readonly Format<Result>[] = [
  tableReport,
  jsonReport,
  markdownReport,
  htmlReport,
  csvReport,
  openMetricsReport,
  bencherReport,
  smallerBenchmark,
  biggerBenchmark,
  speedscopeReport,
];
