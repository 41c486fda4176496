// The errors that the README gives are those of profiles/accuracy.json, with one vote a machine; and docs/accuracy.md has the same.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bundledFile } from '../../../src/base/profiles.js';
import { sharedVotes, votedPercentile } from '../../../src/base/statistics.js';
import { formatRatio } from '../../../src/base/units.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';

const text = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');
const rows = JSON.parse(readFileSync(bundledFile('accuracy.json'), 'utf8')) as AccuracyFile;

it.each([false, true])('of machines that no constant has seen: %s', (unseen) => {
  const own = rows.filter((row) => (row[6] === true) === unseen).map(([metric, , , , error, vote]) => ({ metric, error, vote }));
  const at = (metric: string, percent: number): string => {
    const ofMetric = own.filter((row) => row.metric === metric);
    return formatRatio(
      votedPercentile(
        sharedVotes(ofMetric, ({ error }) => Math.abs(error)),
        percent,
      ),
    );
  };
  const share = (one: string, other: string, percent: number): string => `${at(one, percent).replace(' %', '')} and ${at(other, percent)}`;
  const machines = new Set(own.map(({ vote }) => vote)).size;
  const shown = (page: string, sentence: string): void =>
    expect(text(page).includes(sentence), `${page} should have: ${sentence}`).toBe(true);
  shown('README.md', `${own.length} published figures of ${machines} machines`);
  shown('README.md', `median error is ${at('decode', 50)} for decoding and ${at('prefill', 50)} for prompts`);
  shown('README.md', `90 % of the votes are within ${share('decode', 'prefill', 90)}`);
  for (const metric of ['decode', 'prefill']) shown('docs/accuracy.md', `| ${at(metric, 50)} | ${at(metric, 90)} |`);
});
