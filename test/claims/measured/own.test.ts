// What own rows of a machine teach, beside a roofline that learns in the same way; one vote a machine. MOEPROF_UPDATE=1 writes the table of
// docs/accuracy.md. Predictions go along straight lines in logarithms, from the constants of all machines.
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { findProfile } from '../../../src/base/profiles.js';
import { OWN_PREDICTORS, type OwnErrors, ownErrors } from '../../../src/measured/validate/own.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { expectShown } from '../../support/shown.js';

it('own rows of a machine make its predictions surer, and more so than those of a roofline', { timeout: 1_800_000 }, async () => {
  const rows = ['open', 'second', 'unified'].flatMap((name) => readRows(findProfile('measurements', name)).speed);
  const all = await ownErrors(rows, [0, 1, 2, 3], availableParallelism());
  const percent = (value: number, digits = 1): string => `${(100 * value).toFixed(digits)} %`;
  const text = [
    '| own rows | speed | predictor | machines | median | p90 | mean of logs | in band | band | ratios within 5, 10, 20 % | sure | of these right |',
    '| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...[0, 1, 2, 3].flatMap((own) =>
      (['decode', 'prefill'] as const).flatMap((kind) =>
        OWN_PREDICTORS.flatMap((predictor) =>
          all
            .filter((one) => one.own === own && one.kind === kind && one.predictor === predictor)
            .map(
              ({ coverage, log, machines, median, p90, ratios, right, sure, width }) =>
                `| ${own} | ${kind} | ${predictor} | ${machines} | ${percent(median)} | ${percent(p90)} | ${log.toFixed(3)} | ${percent(coverage, 0)} | ± ${percent(width, 0)} | ${ratios.map((ratio) => Math.round(100 * ratio)).join(', ')} | ${percent(sure, 0)} | ${percent(right, 0)} |`,
            ),
        ),
      ),
    ),
  ].join('\n');
  const test = 'test/claims/measured/own.test.ts';
  expectShown('docs/accuracy.md', [`<!-- own rows: written by ${test} -->\n`, '<!-- end of own rows -->'], `\n${text}\n\n`, test);
  const of = (own: number, kind: string, predictor = 'moeprof'): OwnErrors =>
    all.find((one) => one.own === own && one.kind === kind && one.predictor === predictor)!;
  for (const own of [1, 2, 3]) {
    expect(of(own, 'decode').median).toBeLessThan(of(0, 'decode').median);
    for (const kind of ['decode', 'prefill']) {
      expect(of(own, kind).log).toBeLessThan(of(own, kind, 'roofline').log);
      expect(of(own, kind).coverage).toBeGreaterThan(0.65);
      expect(of(own, kind).coverage).toBeLessThan(0.95);
    }
  }
});
