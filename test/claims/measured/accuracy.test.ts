// docs/accuracy.md is what `moeprof validate` and `moeprof validate unseen` write today, behind them what `moeprof validate --fit` wrote last
// (bench/fit.md, where it was written: minutes of computing) bench/llama.md, which bench/llama.mjs measured last, and bench/timing.md, which timing.test.ts writes;
// profiles/accuracy.json has the same errors, from which every run takes its band. All but the last three are made anew and compared. MOEPROF_UPDATE=1 writes them; with MOEPROF_FIT=1 it fits, too.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { bundledFile, findProfile, listProfiles } from '../../../src/base/profiles.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { nudgedConstants, refitOf } from '../../../src/measured/validate/refit.js';
import { crossValidation, validationReports } from '../../../src/measured/validate/report.js';
import { votesOf } from '../../../src/measured/validate/rows/machines.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { runtimeOf } from '../../../src/measured/validate/rows/specify.js';
import { type Validation, validationOf } from '../../../src/measured/validate/summary.js';
import { seenFiles, UNSEEN } from '../../../src/measured/validate/unseen.js';
import { renderMarkdown } from '../../../src/report/document/markdown.js';

const page = new URL('../../../docs/accuracy.md', import.meta.url);
const engine = new URL('../../../bench/llama.md', import.meta.url);
const fitted = new URL('../../../bench/fit.md', import.meta.url);
const options = { color: false, width: 80, unicode: true, verbose: false };
const timing = new URL('../../../bench/timing.md', import.meta.url);

const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));

/** What `moeprof validate` finds on bundled files, and `moeprof validate --fit`. */
async function validated(files: readonly string[], fit: boolean): Promise<Validation> {
  const read = files.map((name) => readRows(findProfile('measurements', name)));
  const rows = read.flatMap(({ speed }) => speed);
  const memory = read.flatMap((one) => one.memory);
  const { constants, variants } = nudgedConstants(runtimes, fit ? [...new Set(rows.map(runtimeOf))].sort() : []);
  const predictions = await predictRowVariants(rows, variants, availableParallelism(), {});
  const today = predictions.map(([first]) => first!);
  const validation = validationOf(files, rows, today, runtimes, memory);
  return fit ? { ...validation, refit: refitOf(validation, rows, predictions, constants, runtimes) } : validation;
}

/** Its report in Markdown, without what a fit finds. */
function reportOf({ refit: _, ...validation }: Validation): string {
  const markdown = validationReports.find(({ name }) => name === 'markdown')!;
  return markdown.render(validation, options).trimEnd();
}

/** Its errors, as profiles/accuracy.json has them. */
function errorsOf({ rows }: Validation, unseen: boolean, votes: ReadonlyMap<string, string>): AccuracyFile {
  return rows
    .filter(({ metric, scored }) => scored && metric !== 'memory')
    .map(({ error, format, machine, metric, placement, runtime }) => {
      const line = [metric, runtime, format, placement, Number(error!.toFixed(6)), votes.get(machine)!] as const;
      return unseen ? [...line, true] : line;
    });
}

it('docs/accuracy.md and profiles/accuracy.json are up to date', { timeout: 3_600_000 }, async () => {
  const update = process.env.MOEPROF_UPDATE === '1';
  const unseen = await validated([UNSEEN], false);
  const seen = await validated(seenFiles(), update && process.env.MOEPROF_FIT === '1');
  if (seen.refit !== undefined) writeFileSync(fitted, `${renderMarkdown(crossValidation(seen), options).trimEnd()}\n`);
  const intro = 'Machines that no constant has seen come first, rows that constants were fitted on behind them.';
  const behind = [fitted, engine, timing].filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  const text = [`# Accuracy\n\n${intro}`, reportOf(unseen), reportOf(seen), ...behind].join('\n\n');
  // Machines of equal parts are one, whichever file they are of.
  const votes = votesOf(
    [...seenFiles(), UNSEEN].flatMap((name) => readRows(findProfile('measurements', name)).speed).map(({ machine }) => machine),
  );
  const lines = [...errorsOf(seen, false, votes), ...errorsOf(unseen, true, votes)].map((line) => JSON.stringify(line));
  const json = `[\n${lines.join(',\n')}\n]\n`;
  if (update) {
    writeFileSync(page, text);
    writeFileSync(bundledFile('accuracy.json'), json);
  }
  expect(json === readFileSync(bundledFile('accuracy.json'), 'utf8'), 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
  expect(text === readFileSync(page, 'utf8'), 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
});
