// `moeprof check` on published measurements: of the rows that are marked as pathologies at least 8 of 10 are named rightly, and no normal row
// raises an alarm. Rules never see the mark: it is taken off the rows before they are checked.
import { describe, expect, it } from 'vitest';
import { findProfile } from '../../../src/base/profiles.js';
import { type CheckedRun, checkRuns, runtimesFor } from '../../../src/explore/check/check.js';
import { type Measurement, readMeasurements } from '../../../src/explore/validate/measurement.js';
import { figuresOf } from '../../../src/explore/validate/specify.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';

/** Causes by the marks of the rows. Nothing can name a misprint, or what nobody could explain. */
const CAUSES: Readonly<Record<string, string>> = {
  paging: 'paging',
  numa: 'numa',
  'cold-start': 'cold-start',
  'lossy-routing': 'lossy-routing',
  'overhead-bound': 'overhead',
};
const UNNAMEABLE = ['typo', 'unexplained-slow'];

/** What was published beside the figures is gone: marks, notes, whether a row is scored. */
function unmarked({ note: _, pathology: __, scorable: ___, series: ____, ...row }: Measurement): Measurement {
  return { ...row, placement: { ...row.placement, note: undefined }, machine: { ...row.machine, note: undefined } };
}

/** Rows by what would stand in one log: machine, program and model. */
function logsOf(rows: readonly Measurement[]): Measurement[][] {
  const logs = new Map<string, Measurement[]>();
  for (const row of rows) {
    const key = `${row.machine.name}/${row.engine}/${row.model.name}`;
    logs.set(key, [...(logs.get(key) ?? []), row]);
  }
  return [...logs.values()];
}

async function checked(logs: readonly Measurement[][]): Promise<{ row: Measurement; run: CheckedRun }[]> {
  const all: { row: Measurement; run: CheckedRun }[] = [];
  for (const log of logs) {
    const runs = await checkRuns(log.map(unmarked), runtimesFor(log, loadRuntime));
    all.push(...log.map((row, i) => ({ row, run: runs[i]! })));
  }
  return all;
}

const rows = readMeasurements(findProfile('measurements', 'open')).filter(
  ({ measured }) => (measured.tg_tps ?? measured.pp_tps) !== undefined,
);
const logs = logsOf(rows);

describe('moeprof check', () => {
  it('names at least 8 of 10 pathologies rightly', async () => {
    const sick = logs.filter((log) => log.some(({ pathology }) => pathology !== undefined));
    const found = (await checked(sick)).filter(({ row }) => row.pathology !== undefined);
    const table = found.map(({ row, run }) => [row.id, row.pathology!, run.findings[0]?.cause ?? 'nothing'] as const);
    console.log(table.map((cells) => cells.join('  ')).join('\n'));
    const right = table.filter(([, mark, cause]) => CAUSES[mark] === cause);
    const nameable = table.filter(([, mark]) => !UNNAMEABLE.includes(mark));
    expect(nameable.length).toBeGreaterThanOrEqual(10);
    expect(right.length / table.length).toBeGreaterThanOrEqual(0.8);
    expect(right.length / nameable.length).toBeGreaterThanOrEqual(0.8);
  });

  it('raises no alarm on normal rows', { timeout: 600_000 }, async () => {
    // Short ones: 40 and more, of all kinds of placements and many programs.
    const well = logs.filter(
      (log) => log.length <= 16 && log.every(({ pathology, run }) => pathology === undefined && (run.pp_tokens ?? 0) <= 2048),
    );
    const scored = (await checked(well)).filter(({ row }) => figuresOf(row).some(({ unscored }) => unscored === null));
    expect(scored.length).toBeGreaterThanOrEqual(40);
    const alarms = scored.filter(({ run }) => run.verdict === 'slow' && run.findings.length > 0);
    expect(alarms.map(({ row, run }) => `${row.id}: ${run.findings[0]!.cause}`)).toEqual([]);
    expect(new Set(scored.map(({ row }) => row.placement.kind)).size).toBeGreaterThanOrEqual(4);
  });
});
