// docs/accuracy.md is what `moeprof validate -o docs/accuracy.md` writes today: the page is made anew and compared.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { readMeasurements } from '../../../src/explore/validate/measurement.js';
import { predictRows } from '../../../src/explore/validate/predict-all.js';
import { validationReports } from '../../../src/explore/validate/report.js';
import { validationOf } from '../../../src/explore/validate/summary.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';

const page = new URL('../../../docs/accuracy.md', import.meta.url);

it('docs/accuracy.md is up to date', { timeout: 900_000 }, async () => {
  const files = listProfiles('measurements');
  const rows = files.flatMap((name) => readMeasurements(findProfile('measurements', name)));
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const predictions = await predictRows(rows, runtimes, availableParallelism());
  const markdown = validationReports.find(({ name }) => name === 'markdown')!;
  const text = markdown.render(validationOf(files, rows, predictions, runtimes), {
    color: false,
    width: 80,
    unicode: true,
    verbose: false,
  });
  if (process.env.MOEPROF_UPDATE === '1') writeFileSync(page, text);
  expect(text === readFileSync(page, 'utf8'), 'stale: npm run build, then moeprof validate -o docs/accuracy.md').toBe(true);
});
