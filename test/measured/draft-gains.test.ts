// What drafts by a model's own layers gained on real machines, beside what is predicted: the table of docs/speculation.md.
import { expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../src/base/profiles.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { predictRow } from '../../src/measured/validate/predict.js';
import { type Measurement, readRows } from '../../src/measured/validate/rows/measurement.js';
import { RowTraces } from '../../src/measured/validate/rows/row-traces.js';
import { expectShown } from '../support/shown.js';

/** Gain of a row over the one without drafts of its series. */
interface Gained {
  readonly row: Measurement;
  readonly measured: number;
  readonly predicted: number | null;
}

/** Where the prediction is known to be wrong, and why. */
const WRONG: Readonly<Record<string, string>> = {
  'mtp27836-on': 'the branch of its pull request, whose drafts copied states; llama.cpp has none of this model to this day',
};

async function gained(): Promise<Gained[]> {
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const traces = new RowTraces();
  const rows = ['open', 'offload']
    .flatMap((name) => readRows(findProfile('measurements', name)).speed)
    .filter(({ scorable, series }) => scorable?.pair === true && series?.id.startsWith('mtp') === true);
  const speeds = new Map<string, number | null>();
  for (const row of rows) speeds.set(row.id, (await predictRow(row, traces, runtimes)).figures.decode ?? null);
  return rows
    .filter(({ run }) => run.speculative !== undefined)
    .map((row) => {
      const plain = rows.find(({ run, series }) => series!.id === row.series!.id && run.speculative === undefined)!;
      const [on, off] = [speeds.get(row.id)!, speeds.get(plain.id)!];
      return { row, measured: row.measured.tg_tps! / plain.measured.tg_tps!, predicted: on === null || off === null ? null : on / off };
    });
}

it('have the sign that was measured, and the factor within 31 %, but where it is said', async () => {
  const gains = await gained();
  const known = gains.filter(({ predicted }) => predicted !== null);
  expect([gains.length, known.length]).toEqual([8, 6]);
  for (const { measured, predicted, row } of known) {
    if (WRONG[row.id] !== undefined) continue;
    expect(predicted! > 1, row.id).toBe(measured > 1);
    expect(Math.max(predicted! / measured, measured / predicted!), row.id).toBeLessThan(1.31);
  }
  const line = ({ measured, predicted, row }: Gained): string => {
    const { acceptance, draft } = row.run.speculative!;
    const drafts = draft === undefined ? 'not stated' : `${draft}, ${Math.round(100 * acceptance!)} %`;
    const told = predicted === null ? '(format and card are not stated)' : `${predicted.toFixed(2)}x`;
    return `| ${row.model.name} | ${row.engine} | ${row.placement.kind} | ${drafts} | ${measured.toFixed(2)}x | ${told} |`;
  };
  const head = '| model | engine | experts | drafted, accepted | measured | predicted |\n|---|---|---|---|---|---|';
  const marks = ['<!-- draft gains -->\n\n', '\n<!-- end of draft gains -->'] as const;
  expectShown('docs/speculation.md', marks, `${[head, ...gains.map(line)].join('\n')}\n`, 'test/measured/draft-gains.test.ts');
}, 60_000);
