// docs/accuracy.md is what `moeprof validate` and `moeprof validate unseen` write today, and behind them bench/llama.md, which bench/llama.mjs
// measured last; profiles/accuracy.json has the same errors, from which every run takes its band: both are made anew and compared.
// MOEPROF_UPDATE=1 writes them.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { bundledFile, findProfile, listProfiles } from '../../../src/base/profiles.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { validationReports } from '../../../src/measured/validate/report.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { type Validation, validationOf } from '../../../src/measured/validate/summary.js';
import { seenFiles, UNSEEN } from '../../../src/measured/validate/unseen.js';

const page = new URL('../../../docs/accuracy.md', import.meta.url);
const engine = new URL('../../../bench/llama.md', import.meta.url);

const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));

/** What `moeprof validate` finds on bundled files. */
async function validated(files: readonly string[]): Promise<Validation> {
  const read = files.map((name) => readRows(findProfile('measurements', name)));
  const rows = read.flatMap(({ speed }) => speed);
  const memory = read.flatMap((one) => one.memory);
  const predictions = (await predictRowVariants(rows, [runtimes], availableParallelism(), {})).map(([only]) => only!);
  return validationOf(files, rows, predictions, runtimes, memory);
}

/** Its report in Markdown. */
function reportOf(validation: Validation): string {
  const markdown = validationReports.find(({ name }) => name === 'markdown')!;
  return markdown.render(validation, { color: false, width: 80, unicode: true, verbose: false }).trimEnd();
}

/** Its errors, as profiles/accuracy.json has them. */
function errorsOf({ rows }: Validation, unseen: boolean): AccuracyFile {
  return rows
    .filter(({ metric, scored }) => scored && metric !== 'memory')
    .map(({ error, format, metric, placement, runtime }) => {
      const line = [metric, runtime, format, placement, Number(error!.toFixed(4))] as const;
      return unseen ? [...line, true] : line;
    });
}

it('docs/accuracy.md and profiles/accuracy.json are up to date', { timeout: 900_000 }, async () => {
  const unseen = await validated([UNSEEN]);
  const seen = await validated(seenFiles());
  const intro = 'Machines that no constant has seen come first, rows that constants were fitted on behind them.';
  const text = `# Accuracy\n\n${intro}\n\n${reportOf(unseen)}\n\n${reportOf(seen)}\n\n${readFileSync(engine, 'utf8')}`;
  const lines = [...errorsOf(seen, false), ...errorsOf(unseen, true)].map((line) => JSON.stringify(line));
  const json = `[\n${lines.join(',\n')}\n]\n`;
  if (process.env.MOEPROF_UPDATE === '1') {
    writeFileSync(page, text);
    writeFileSync(bundledFile('accuracy.json'), json);
  }
  expect(json === readFileSync(bundledFile('accuracy.json'), 'utf8'), 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
  expect(text === readFileSync(page, 'utf8'), 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
});
