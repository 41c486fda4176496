// docs/accuracy.md has the tables of `moeprof validate` by class with the worst rows, bench/accuracy.csv every scored
// row, and bench/fit.md what `moeprof validate --fit` wrote last. profiles/accuracy.json has the errors of each row,
// from which every run takes its band: by constants that were fitted without its machine, which takes the fit, and by
// those of all, which are computed anew here, so that a stale fit is seen. MOEPROF_UPDATE=1 writes page and rows, and
// with MOEPROF_FIT=1 it fits and writes all.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { bundledFile, findProfile, listProfiles } from '../../../src/base/profiles.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { nudgedConstants, refitOf } from '../../../src/measured/validate/refit.js';
import { crossValidation, validationReports } from '../../../src/measured/validate/report.js';
import { type Measurement, readRows } from '../../../src/measured/validate/rows/measurement.js';
import { runtimeOf } from '../../../src/measured/validate/rows/specify.js';
import { type Validation, validationOf } from '../../../src/measured/validate/summary.js';
import { renderMarkdown } from '../../../src/report/document/markdown.js';
import { expectShown } from '../../support/shown.js';
import { type ServedRow, stepErrors, usersBlock } from './many-users.js';

const root = new URL('../../../', import.meta.url);
const csv = new URL('bench/accuracy.csv', root);
const fitted = new URL('bench/fit.md', root);
const options = { color: false, width: 80, unicode: true, verbose: false };
const update = process.env.MOEPROF_UPDATE === '1';
const fits = update && process.env.MOEPROF_FIT === '1';

const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));

/** What `moeprof validate` finds on all bundled files, and `moeprof validate --fit`. */
async function validated(): Promise<{ readonly measured: readonly Measurement[]; readonly validation: Validation }> {
  const files = listProfiles('measurements');
  const read = files.map((name) => readRows(findProfile('measurements', name)));
  const rows = read.flatMap(({ speed }) => speed);
  const memory = read.flatMap((one) => one.memory);
  const { constants, variants } = nudgedConstants(runtimes, fits ? [...new Set(rows.map(runtimeOf))].sort() : []);
  const predictions = await predictRowVariants(rows, variants, availableParallelism(), {});
  const today = predictions.map(([first]) => first!);
  const validation = validationOf(files, rows, today, runtimes, memory);
  if (!fits) return { measured: rows, validation };
  return { measured: rows, validation: { ...validation, refit: refitOf(validation, rows, predictions, constants, runtimes) } };
}

/** Rows of the page: the worst ones. */
const WORST = 15;

/** The block of the page: what the last fit gave, errors by metric and class, the worst rows, and memory. */
function blockOf({ refit: _, ...validation }: Validation): string {
  const markdown = validationReports.find(({ name }) => name === 'markdown')!;
  const parts = markdown.render(validation, options).split(/\n\n(?=\*\*|<details>)/);
  const titled = (title: string): string =>
    parts
      .find((part) => part.startsWith(title))!
      .split('\n\n</details>')[0]!
      .trim();
  const [refitted] = readFileSync(fitted, 'utf8')
    .split(/\n\n(?=\*\*)/)
    .filter((part) => part.startsWith('**Refitted**'));
  const rows = titled('<details><summary>All rows').split('\n\n')[1]!.split('\n');
  return [
    refitted!,
    parts[0]!.split('\n\n').slice(1).join('\n\n').trim(),
    titled('**By kind of machine**'),
    titled('**By placement**'),
    `**The ${WORST} worst rows**`,
    rows.slice(0, 2 + WORST).join('\n'),
    titled('**Memory**'),
  ].join('\n\n');
}

const scoredOf = ({ rows }: Validation) => rows.filter(({ metric, scored }) => scored && metric !== 'memory');

/** Every scored speed and hit rate, to three digits or a whole number, a line each, by name. */
function rowsOf(validation: Validation): string {
  const digits = (value: number): string => `${value < 1000 ? Number(value.toPrecision(3)) : Math.round(value)}`;
  const lines = scoredOf(validation)
    .map(({ family, id, machine, measured, metric, model, predicted }) =>
      [id, metric, digits(measured!), digits(predicted!), family, model, machine].join(','),
    )
    .sort();
  return `${['id,metric,measured,predicted,runtime / format / placement,model,machine', ...lines].join('\n')}\n`;
}

/** Its errors, as profiles/accuracy.json has them; without a fit, those by constants of other machines are the last ones. */
function errorsOf(validation: Validation, last: AccuracyFile): AccuracyFile {
  const { refit } = validation;
  const leftOut = new Map(refit?.errors.map(({ error, id, metric }) => [`${id} ${metric}`, error]));
  return scoredOf(validation).map(({ error, format, id, metric, placement, runtime, vote }, i) => {
    const others = refit === undefined ? last[i]?.[4] : (leftOut.get(`${id} ${metric}`) ?? error!);
    return [metric, runtime, format, placement, Number((others ?? Number.NaN).toFixed(4)), vote, Number(error!.toFixed(4))];
  });
}

/** Rows of series over users. @param errors of {@link errorsOf} */
function servedRows(validation: Validation, measured: readonly Measurement[], errors: AccuracyFile): ServedRow[] {
  const byId = new Map(measured.map((row) => [row.id, row]));
  return scoredOf(validation).flatMap(({ id, metric, vote }, i) => {
    const { run, series } = byId.get(id) ?? {};
    if (metric !== 'decode' || run === undefined || series?.vary !== 'users') return [];
    const [, runtime, , , leftOut, , today] = errors[i]!;
    return [{ runtime, series: series.id, machine: vote, users: run.batch_users ?? 1, leftOut: 1 + leftOut, today: 1 + today }];
  });
}

it('docs/accuracy.md, bench/accuracy.csv and profiles/accuracy.json are up to date', { timeout: 3_600_000 }, async () => {
  const before = readFileSync(bundledFile('accuracy.json'), 'utf8');
  const { measured, validation } = await validated();
  if (fits) writeFileSync(fitted, `${renderMarkdown(crossValidation(validation), options).trimEnd()}\n`);
  const errors = errorsOf(validation, JSON.parse(before));
  const json = `[\n${errors.map((line) => JSON.stringify(line)).join(',\n')}\n]\n`;
  const rows = rowsOf(validation);
  if (update) writeFileSync(csv, rows);
  if (fits) writeFileSync(bundledFile('accuracy.json'), json);
  const served = servedRows(validation, measured, errors);
  const { growth, growthP90, oneUser, rows: ofRows, series } = stepErrors(served);
  expect(series).toBeGreaterThanOrEqual(45);
  expect(readFileSync(new URL('docs/accuracy.md', root), 'utf8')).toContain(
    `off by x${growth.toFixed(2)} in the median and x${growthP90.toFixed(2)} in one series of ten`,
  );
  expect([growth <= 1.25, growthP90 <= 1.6, oneUser <= 1.2, ofRows <= 1.2]).toEqual([true, true, true, true]);
  const test = 'test/claims/measured/accuracy.test.ts';
  expectShown(
    'docs/accuracy.md',
    [`<!-- errors: written by ${test} -->\n`, '<!-- end of errors -->'],
    `\n${blockOf(validation)}\n\n${usersBlock(served)}\n\n`,
    test,
  );
  const stale = 'stale: MOEPROF_UPDATE=1 with this test writes it, MOEPROF_FIT=1 beside it where constants or rows changed';
  expect(json === readFileSync(bundledFile('accuracy.json'), 'utf8'), stale).toBe(true);
  expect(rows === readFileSync(csv, 'utf8'), stale).toBe(true);
});
