// The family of reports of a gate: one file per format. A new one is a file and a line here.
import type { Format } from '../../report/format.js';
import type { Gate } from '../gate.js';
import { csvFormat } from './csv.js';
import { githubFormat } from './github.js';
import { htmlFormat } from './html.js';
import { jsonFormat } from './json.js';
import { junitFormat } from './junit.js';
import { markdownFormat, summaryFormat } from './markdown.js';
import { sarifFormat } from './sarif.js';
import { tableFormat } from './table.js';

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
