import { type Format, renderTerminal } from '../../report/door.js';
import type { Gate } from '../gate.js';
import { ROWS } from '../words.js';
import { csvFormat } from './csv.js';
import { gateDocument } from './document.js';
import { githubFormat } from './github.js';
import { htmlFormat } from './html.js';
import { jsonFormat } from './json.js';
import { junitFormat } from './junit.js';
import { markdownFormat, summaryFormat } from './markdown.js';
import { sarifFormat } from './sarif.js';

const ALL = Number.POSITIVE_INFINITY;

const tableFormat: Format<Gate> = {
  name: 'table',
  extensions: ['.txt'],
  render: (gate, options) =>
    renderTerminal(gateDocument(gate, { page: false, rows: options.verbose ? ALL : ROWS, comparisons: ALL }), options),
};

/** A new format is a file and a line here. */
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
