// docs/accuracy.md is what `moeprof validate` writes today, between the mechanisms of the model of time (bench/mechanisms.md) and what takes too long
// to be made anew: what `moeprof validate --fit` wrote last (bench/fit.md), what timings of a machine teach (bench/timing.md), and what
// bench/llama.mjs measured last. profiles/accuracy.json has the errors of each row, from which every run takes its band: by constants that were
// fitted without its machine, which takes the fit, and by those of all, which are made anew here, so that a stale fit is seen. MOEPROF_UPDATE=1
// writes the page, and with MOEPROF_FIT=1 it fits and writes all.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { bundledFile, findProfile, listProfiles } from '../../../src/base/profiles.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { nudgedConstants, refitOf } from '../../../src/measured/validate/refit.js';
import { crossValidation, validationReports } from '../../../src/measured/validate/report.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { runtimeOf } from '../../../src/measured/validate/rows/specify.js';
import { type Validation, validationOf } from '../../../src/measured/validate/summary.js';
import { renderMarkdown } from '../../../src/report/document/markdown.js';

const root = new URL('../../../', import.meta.url);
const page = new URL('docs/accuracy.md', root);
const fitted = new URL('bench/fit.md', root);
const options = { color: false, width: 80, unicode: true, verbose: false };
const update = process.env.MOEPROF_UPDATE === '1';
const fits = update && process.env.MOEPROF_FIT === '1';

const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));

/** What `moeprof validate` finds on all bundled files, and `moeprof validate --fit`. */
async function validated(): Promise<Validation> {
  const files = listProfiles('measurements');
  const read = files.map((name) => readRows(findProfile('measurements', name)));
  const rows = read.flatMap(({ speed }) => speed);
  const memory = read.flatMap((one) => one.memory);
  const { constants, variants } = nudgedConstants(runtimes, fits ? [...new Set(rows.map(runtimeOf))].sort() : []);
  const predictions = await predictRowVariants(rows, variants, availableParallelism(), {});
  const today = predictions.map(([first]) => first!);
  const validation = validationOf(files, rows, today, runtimes, memory);
  return fits ? { ...validation, refit: refitOf(validation, rows, predictions, constants, runtimes) } : validation;
}

/** Its report in Markdown, without what a fit finds. */
function reportOf({ refit: _, ...validation }: Validation): string {
  const markdown = validationReports.find(({ name }) => name === 'markdown')!;
  return markdown.render(validation, options).trimEnd();
}

/** Its errors, as profiles/accuracy.json has them; without a fit, those by constants of other machines are the last ones. */
function errorsOf({ refit, rows }: Validation, last: AccuracyFile): AccuracyFile {
  const leftOut = new Map(refit?.errors.map(({ error, id, metric }) => [`${id} ${metric}`, error]));
  return rows
    .filter(({ metric, scored }) => scored && metric !== 'memory')
    .map(({ error, format, id, metric, placement, runtime, vote }, i) => {
      const others = refit === undefined ? last[i]?.[4] : (leftOut.get(`${id} ${metric}`) ?? error!);
      return [metric, runtime, format, placement, Number((others ?? Number.NaN).toFixed(4)), vote, Number(error!.toFixed(4))];
    });
}

it('docs/accuracy.md and profiles/accuracy.json are up to date', { timeout: 3_600_000 }, async () => {
  const before = readFileSync(bundledFile('accuracy.json'), 'utf8');
  const validation = await validated();
  if (fits) writeFileSync(fitted, `${renderMarkdown(crossValidation(validation), options).trimEnd()}\n`);
  const part = (name: string): string[] => {
    const file = new URL(`bench/${name}.md`, root);
    return existsSync(file) ? [readFileSync(file, 'utf8').trimEnd()] : [];
  };
  const text = `${['# Accuracy', ...part('fit'), reportOf(validation), ...['mechanisms', 'timing', 'llama', 'rows'].flatMap(part)].join('\n\n')}\n`;
  const json = `[\n${errorsOf(validation, JSON.parse(before))
    .map((line) => JSON.stringify(line))
    .join(',\n')}\n]\n`;
  if (update) writeFileSync(page, text);
  if (fits) writeFileSync(bundledFile('accuracy.json'), json);
  const stale = 'stale: MOEPROF_UPDATE=1 with this test writes it, MOEPROF_FIT=1 beside it where constants or rows changed';
  expect(json === readFileSync(bundledFile('accuracy.json'), 'utf8'), stale).toBe(true);
  expect(text === readFileSync(page, 'utf8'), stale).toBe(true);
});
