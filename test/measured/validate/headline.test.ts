// The errors that the README gives are those of profiles/accuracy.json, each row by constants that were fitted without its machine, with one vote a
// machine; and docs/accuracy.md has the same.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bundledFile, listProfiles } from '../../../src/base/profiles.js';
import { sharedVotes, votedPercentile } from '../../../src/base/statistics.js';
import { formatRatio } from '../../../src/base/units.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';

const text = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');
const rows = (JSON.parse(readFileSync(bundledFile('accuracy.json'), 'utf8')) as AccuracyFile).map(
  ([metric, , , , error, vote, fitted]) => ({ metric, error, vote, fitted }),
);

it('the headline has the errors of machines that constants have not seen', () => {
  const at = (metric: string, percent: number): string => {
    const votes = sharedVotes(
      rows.filter((row) => row.metric === metric),
      ({ error }) => Math.abs(error),
    );
    return formatRatio(votedPercentile(votes, percent));
  };
  const share = (one: string, other: string, percent: number): string => `${at(one, percent).replace(' %', '')} and ${at(other, percent)}`;
  const machines = new Set(rows.map(({ vote }) => vote)).size;
  const constants = listProfiles('runtimes').reduce((sum, name) => sum + (loadRuntime(name).fitted?.constants.length ?? 0), 0);
  const shown = (page: string, sentence: string): void =>
    expect(text(page).includes(sentence), `${page} should have: ${sentence}`).toBe(true);
  shown('README.md', `${rows.length} published figures of ${machines} machines`);
  shown('README.md', `median error is ${at('decode', 50)} for decoding and ${at('prefill', 50)} for prompts`);
  shown('README.md', `90 % of the votes are within ${share('decode', 'prefill', 90)}`);
  shown('README.md', `${constants} constants`);
  shown('docs/accuracy.md', `off by ${at('decode', 50)} in the median, prompts by ${at('prefill', 50)}`);
  shown('docs/accuracy.md', `off by more than ${share('decode', 'prefill', 90)}`);
  // Errors are rounded where they ship, so that the page may differ in the last digit.
  for (const metric of ['decode', 'prefill']) {
    const page = new RegExp(`all other machines \\| ${metric} \\|[^%]*\\| ([\\d.]+) % \\| ([\\d.]+) %`).exec(text('docs/accuracy.md'))!;
    for (const [i, percent] of [50, 90].entries())
      expect(Math.abs(Number(page[i + 1]) - Number.parseFloat(at(metric, percent)))).toBeLessThanOrEqual(0.1 + 1e-9);
  }
});

it('errors of fitted constants are smaller than those of machines left out', () => {
  const median = (of: (row: (typeof rows)[number]) => number): number =>
    votedPercentile(
      sharedVotes(
        rows.filter(({ metric }) => metric === 'decode'),
        (row) => Math.abs(of(row)),
      ),
      50,
    );
  expect(median(({ fitted }) => fitted)).toBeLessThan(median(({ error }) => error));
});
