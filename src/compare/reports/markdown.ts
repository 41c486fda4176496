import { type Format, type ReportOptions, renderMarkdown } from '../../report/door.js';
import type { Gate } from '../gate.js';
import { ROWS } from '../words.js';
import { gateDocument } from './document.js';

/** Hidden first line by which a bot finds its earlier comment. */
const STICKY_MARKER = '<!-- moeprof compare -->';

/** Most characters of a comment (GitHub stops at 65,536), and of a step summary (1 MiB). */
const COMMENT = 64_900;
const SUMMARY = 900_000;

/** Markdown of a gate, as a sticky comment. */
export const markdownFormat: Format<Gate> = {
  name: 'markdown',
  extensions: ['.md', '.markdown'],
  render: (gate, options) => `${STICKY_MARKER}\n${fitting(gate, COMMENT, options)}`,
};

/** Markdown of a gate, as a job summary. */
export const summaryFormat: Format<Gate> = {
  name: 'step-summary',
  extensions: [],
  render: (gate, options) => fitting(gate, SUMMARY, options),
};

/** Fits comparisons with their worst rows first, then more rows of each. */
function fitting(gate: Gate, limit: number, options: ReportOptions): string {
  const render = (comparisons: number, rows: number): string =>
    renderMarkdown(gateDocument(gate, { page: true, comparisons, rows }), options);
  const most = Math.max(0, ...gate.comparisons.map(({ rows }) => rows.length));
  const comparisons = largest(gate.comparisons.length, (count) => render(count, ROWS).length <= limit);
  const rows = largest(most, (count) => render(comparisons, count).length <= limit);
  return render(comparisons, rows);
}

function largest(most: number, holds: (count: number) => boolean): number {
  if (holds(most)) return most;
  let [low, high] = [0, most];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
