import { formatCounted, formatNumber, formatRatio, formatTokensPerSecond } from '../base/units.js';
import { bareRate, type ColumnOf, type Document, figure, grid, pagedFormats } from '../report/door.js';
import { type BreakEven, type BreakEvens, WAYS } from './breakeven.js';
import { sentences } from './report-parts.js';
import type { CacheRatio } from './sure.js';

/** Report of `moeprof breakeven`. */
export const breakEvenReports = pagedFormats<BreakEvens>('moeprof breakeven', documentOf);

const share = (value: number | null, none: string) => ({ value, text: value === null ? none : formatRatio(value, 0) });

const starred = (speed: number | null, best: boolean) => speed && { value: speed, text: `${bareRate(speed)!.text}${best ? '*' : ''}` };

const COLUMNS: readonly ColumnOf<BreakEven>[] = [
  { head: 'format', align: 'left', of: ({ quantization }) => quantization },
  { head: 'users', of: ({ users }) => users },
  { head: 'expert', of: ({ expertBytes }) => figure(expertBytes, 'bytes') },
  { head: 'slots', of: ({ slots }) => slots },
  { head: 'pays at', of: ({ breakEven }) => share(breakEven.offload, 'never') },
  { head: 'hits', of: ({ reached }) => share(reached.offload, '') },
  ...WAYS.map((head): ColumnOf<BreakEven> => ({ head, of: ({ best, decode }) => starred(decode[head], best === head) })),
  { head: 'cache', align: 'left', only: ['markdown', 'csv'], of: ({ beside }) => (beside === null ? '' : ratioText(beside)) },
  { head: 'best', align: 'left', only: ['markdown', 'csv'], of: ({ best }) => best },
  { head: 'hybrid pays at', only: ['markdown', 'csv'], of: ({ breakEven }) => share(breakEven.hybrid, 'never') },
  { head: 'hybrid hits', only: ['markdown', 'csv'], of: ({ reached }) => share(reached.hybrid, '') },
];

function answerOf({ beside, best, breakEven, decode, quantization, reached, users }: BreakEven): string {
  const pays = breakEven.offload === null ? 'never pays' : `pays from ${formatRatio(breakEven.offload, 0)} hits on`;
  const hits = reached.offload === null ? '' : ` and reaches ${formatRatio(reached.offload, 0)}`;
  const sure = beside === null ? '' : `, ${ratioText(beside)}`;
  return `${quantization}, ${formatCounted(users, 'user')}: a cache ${pays}${hits}${sure}; the fastest way is ${best}, ${formatTokensPerSecond(decode[best]!)}`;
}

/** `1.89x layers (1.20 to 2.97): sure`. */
const ratioText = ({ high, low, ratio, reason }: CacheRatio): string =>
  `${formatNumber(ratio, 2)}x layers (${formatNumber(low, 2)} to ${formatNumber(high, 2)}: ${reason})`;

function documentOf({ machine, model, notes, rows, runtime }: BreakEvens): Document {
  return {
    title: `${model} on ${machine}, ${runtime}: from which hit rate on does an expert cache pay?`,
    answer: answerOf(rows[0]!),
    lead: [
      {
        text: 'Decoding, tokens/s of all users together; slots: experts of each layer that fit on the card; * the fastest, a cache only if it is surely so',
      },
    ],
    blocks: [
      grid(rows, COLUMNS),
      ...sentences('ways', [
        'cpu: every expert is computed by the CPU. layers: whole layers of experts lie on the card.',
        'offload: a cache on the card whose misses cross the link; it is faster than the CPU from "pays at" on. hybrid: the CPU computes the misses.',
      ]),
      ...sentences('notes', notes),
    ],
  };
}
