import { formatRatio } from '../base/units.js';
import { bareRate, type ColumnOf, type Document, documentFormats, figure, grid, pageFormat } from '../report/door.js';
import { type BreakEven, type BreakEvens, WAYS } from './breakeven.js';
import { sentences } from './report-parts.js';

/** The report of `moeprof breakeven`: a row for each format and number of users. */
export const breakEvenReports = [...documentFormats<BreakEvens>(documentOf), pageFormat(documentOf, 'moeprof breakeven')];

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
  { head: 'best', align: 'left', only: ['markdown', 'csv'], of: ({ best }) => best },
  { head: 'hybrid pays at', only: ['markdown', 'csv'], of: ({ breakEven }) => share(breakEven.hybrid, 'never') },
  { head: 'hybrid hits', only: ['markdown', 'csv'], of: ({ reached }) => share(reached.hybrid, '') },
];

function documentOf({ machine, model, notes, rows, runtime }: BreakEvens): Document {
  return {
    title: `${model} on ${machine}, ${runtime}: from which hit rate on does an expert cache pay?`,
    lead: [{ text: 'Decoding, tokens/s of all users together; slots: experts of each layer that fit on the card; * the fastest' }],
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
