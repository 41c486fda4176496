import type { Format } from '../format.js';
import { toJson } from '../json.js';
import { csvParts, renderCsv } from './csv.js';
import type { Document } from './document.js';
import { renderMarkdown } from './markdown.js';
import { renderTerminal } from './terminal.js';

/** Table first, JSON, CSV, Markdown. @param dataOf JSON data; default: the value */
export function documentFormats<T>(
  documentOf: (value: T) => Document,
  dataOf: (value: T) => unknown = (value) => value,
): readonly [table: Format<T>, json: Format<T>, csv: Format<T>, markdown: Format<T>] {
  return [
    {
      name: 'table',
      extensions: ['.txt'],
      render: (value, options) => renderTerminal(documentOf(value), options),
    },
    { name: 'json', extensions: ['.json'], render: (value) => toJson(dataOf(value)) },
    {
      name: 'csv',
      extensions: ['.csv'],
      render: (value) => renderCsv(documentOf(value)),
      parts: (value) => csvParts(documentOf(value)),
    },
    {
      name: 'markdown',
      extensions: ['.md', '.markdown'],
      render: (value, options) => renderMarkdown(documentOf(value), options),
    },
  ];
}
