// The family of reports of a gate: one file per format. A new one is a file and a line here.
import type { Format } from '../report/format.js';
import type { Gate } from './gate.js';
import { csvFormat } from './reports/csv.js';
import { githubFormat } from './reports/github.js';
import { htmlFormat } from './reports/html.js';
import { jsonFormat } from './reports/json.js';
import { junitFormat } from './reports/junit.js';
import { markdownFormat, summaryFormat } from './reports/markdown.js';
import { sarifFormat } from './reports/sarif.js';
import { tableFormat } from './reports/table.js';

/** Formats of a comparison, the one for reading first. */
export const compareReports: readonly Format<Gate>[] = [
  tableFormat,
  jsonFormat,
  markdownFormat,
  htmlFormat,
  csvFormat,
  junitFormat,
  sarifFormat,
  githubFormat,
  summaryFormat,
];
