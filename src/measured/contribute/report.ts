import { formatCounted } from '../../base/units.js';
import { type Document, documentFormats, type Format, formatRelative, grid, note } from '../../report/door.js';
import { tagged, VERSION } from '../../result/version.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { figuresOf } from '../validate/rows/specify.js';
import { measuredMetricText, speedText } from '../validate/words.js';
import type { Contribution } from './rows.js';

/** Report of `moeprof measure`: Markdown is an issue's text, JSON lines are the rows. */
export const contributionReports: readonly Format<Contribution>[] = documentFormats<Contribution>(documentOf, (value) => ({
  ...tagged('moeprof.measure/1'),
  ...value,
})).toSpliced(2, 0, {
  name: 'jsonl',
  extensions: ['.jsonl', '.ndjson'],
  render: ({ rows }) => linesOf(rows.map(({ row }) => row)).join(''),
});

const linesOf = (rows: readonly Measurement[]): string[] => rows.map((row) => `${JSON.stringify(row)}\n`);

function documentOf({ machine, rows }: Contribution): Document {
  const figures = rows.flatMap(({ predicted, row }, i) =>
    figuresOf(row).map((figure) => ({ at: String(i + 1), predicted: predicted[figure.metric], ...figure })),
  );
  const models = [...new Set(rows.map(({ row: { engine, model } }) => `${model.name} ${model.quant ?? ''}, ${engine}`))];
  return {
    title: `Measurement: ${models.join('; ')} on ${machine}`,
    lead: [{ text: `${formatCounted(rows.length, 'row')} of profiles/measurements, checked by moeprof ${VERSION}` }],
    blocks: [
      grid<(typeof figures)[number]>(
        figures,
        [
          { head: 'row', of: ({ at }) => at },
          { head: '', align: 'left', of: ({ metric }) => measuredMetricText(metric) },
          { head: 'measured', of: ({ measured, metric }) => ({ value: measured, text: speedText({ metric }, measured) }) },
          {
            head: 'predicted',
            of: ({ metric, predicted }) => (predicted === undefined ? null : { value: predicted, text: speedText({ metric }, predicted) }),
          },
          {
            head: 'error',
            of: ({ measured, predicted }) =>
              predicted === undefined ? null : { value: predicted / measured - 1, text: formatRelative(predicted / measured - 1) },
          },
        ],
        { keys: 2 },
      ),
      { ...note('Rows', 'heading'), only: ['markdown'] },
      { kind: 'code', lines: linesOf(rows.map(({ row }) => row)).map((line) => line.trimEnd()), only: ['markdown'] },
      note('-o row.jsonl writes the rows, -o issue.md the text of an issue to hand them on; nothing is sent.', 'dim', {
        only: ['terminal'],
      }),
    ],
  };
}
