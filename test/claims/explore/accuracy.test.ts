// docs/accuracy.md is what `moeprof validate` writes today, and behind it bench/llama.md, which bench/llama.mjs measured last;
// profiles/accuracy.json has the same errors, from which every run takes its band: both are made anew and compared. MOEPROF_UPDATE=1 writes
// them.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { bundledFile, findProfile, listProfiles } from '../../../src/base/profiles.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';
import { readRows } from '../../../src/explore/validate/measurement.js';
import { predictRowVariants } from '../../../src/explore/validate/predict-all.js';
import { validationReports } from '../../../src/explore/validate/report.js';
import { validationOf } from '../../../src/explore/validate/summary.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';

const page = new URL('../../../docs/accuracy.md', import.meta.url);
const engine = new URL('../../../bench/llama.md', import.meta.url);

it('docs/accuracy.md and profiles/accuracy.json are up to date', { timeout: 900_000 }, async () => {
  const files = listProfiles('measurements');
  const read = files.map((name) => readRows(findProfile('measurements', name)));
  const rows = read.flatMap(({ speed }) => speed);
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const predictions = (await predictRowVariants(rows, [runtimes], availableParallelism(), {})).map(([only]) => only!);
  const markdown = validationReports.find(({ name }) => name === 'markdown')!;
  const validation = validationOf(
    files,
    rows,
    predictions,
    runtimes,
    read.flatMap(({ memory }) => memory),
  );
  const predicted = markdown.render(validation, { color: false, width: 80, unicode: true, verbose: false });
  const text = `# Accuracy\n\n${predicted.trimEnd()}\n\n${readFileSync(engine, 'utf8')}`;
  const errors: AccuracyFile = validation.rows
    .filter(({ metric, scored }) => scored && metric !== 'memory')
    .map(({ error, format, metric, placement, runtime }) => [metric, runtime, format, placement, Number(error!.toFixed(4))]);
  const json = `[\n${errors.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
  if (process.env.MOEPROF_UPDATE === '1') {
    writeFileSync(page, text);
    writeFileSync(bundledFile('accuracy.json'), json);
  }
  expect(json === readFileSync(bundledFile('accuracy.json'), 'utf8'), 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
  expect(text === readFileSync(page, 'utf8'), 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
});
