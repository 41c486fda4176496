// A document with every kind of part, small enough to be rendered by hand.
import { type Document, grid, note } from '../../../src/report/document/document.js';
import type { ReportOptions } from '../../../src/report/format.js';

export const OPTIONS: ReportOptions = { color: false, width: 80, unicode: true, verbose: false };

const POLICIES = [
  { name: 'lru', bytes: 2 ** 30, hits: 0.5, why: '' },
  { name: 'a|b, "c"', bytes: 3 * 2 ** 29, hits: 0.8125, why: 'ran first' },
];

/** Two policies on one machine. */
export const sample: Document = {
  title: 'Policies on rtx-4090',
  lead: [{ text: '2 runs of 100 tokens' }, { text: 'Nothing was recorded.', tone: 'caution' }],
  blocks: [
    grid(POLICIES, [
      { head: 'policy', of: ({ name }) => name },
      { head: 'cache', name: 'cache_bytes', of: ({ bytes }) => ({ value: bytes, unit: 'bytes' }) },
      { head: 'hits', name: 'hit_rate', of: ({ hits }) => ({ value: hits, text: `${100 * hits} %` }) },
      { head: 'seed', of: () => 7, only: ['csv'] },
      { head: 'why', of: ({ why }) => why, align: 'left', only: ['markdown', 'csv'] },
    ]),
    { kind: 'facts', facts: [['memory', '1.00 GiB on the GPU']], indent: 10 },
    {
      kind: 'lines',
      lines: [
        { label: 'b', text: 'is slower → look', tone: 'item' },
        { text: 'and that is all', tone: 'item' },
      ],
    },
    note('lru is the problem.', 'strong'),
    { kind: 'lines', lines: [{ label: 'too-small', text: 'less than one token', tone: 'warning' }] },
    { kind: 'drawing', draw: ({ unicode }) => (unicode ? '▁▂▃' : '.oO') },
    { ...note('only at a glance', 'dim'), detail: 'brief' },
  ],
};
